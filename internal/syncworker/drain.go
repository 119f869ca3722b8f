package syncworker

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

const (
	// quiet is for how long no poll must have brought an activity before the polls
	// that still wait are broken off, and mostQuiet how long that is waited for.
	quiet     = 500 * time.Millisecond
	mostQuiet = 5 * time.Second
)

// draining is a worker whose polls for activities can come back before it stops.
//
// A worker that stops breaks its polls off, and an activity that the server has
// just given to one of them is lost to it: nobody does it before its heartbeats
// are missed, half a minute later. A server from 1.32 on answers the polls
// instead, but only if frontend.enableCancelWorkerPollsOnShutdown is set there.
type draining struct {
	worker.Worker
	slots *drainingSlots
}

func newDraining(c client.Client, taskQueue string, options worker.Options, activitySlots int) (*draining, error) {
	fixed, err := worker.NewFixedSizeTuner(worker.FixedSizeTunerOptions{NumActivitySlots: activitySlots})
	if err != nil {
		return nil, err
	}
	slots := newDrainingSlots(fixed.GetActivityTaskSlotSupplier())
	options.Tuner = drainingTuner{WorkerTuner: fixed, activities: slots}
	return &draining{Worker: worker.New(c, taskQueue, options), slots: slots}, nil
}

// drainAndStop lets the polls for activities come back, and then stops.
func (d *draining) drainAndStop() {
	d.slots.drain()
	d.Stop()
}

// drainingTuner is the SDK's with other slots for activities.
type drainingTuner struct {
	worker.WorkerTuner
	activities *drainingSlots
}

func (t drainingTuner) GetActivityTaskSlotSupplier() worker.SlotSupplier { return t.activities }

// drainingSlots give none out any more once they drain. A poll needs one, so none
// begins then, and those under way are known by the slots that they hold.
type drainingSlots struct {
	worker.SlotSupplier

	mu     sync.Mutex
	drains bool
	// polls are the slots of the polls that are not back yet.
	polls map[*worker.SlotPermit]struct{}
	// came is when a poll brought an activity last.
	came time.Time
}

func newDrainingSlots(slots worker.SlotSupplier) *drainingSlots {
	return &drainingSlots{SlotSupplier: slots, polls: map[*worker.SlotPermit]struct{}{}}
}

// ReserveSlot gives a slot for a poll.
func (s *drainingSlots) ReserveSlot(ctx context.Context, info worker.SlotReservationInfo) (*worker.SlotPermit, error) {
	permit, err := s.SlotSupplier.ReserveSlot(ctx, info)
	if err != nil {
		return nil, err
	}
	if !s.poll(permit) {
		// Nobody needs this slot any more.
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return permit, nil
}

// poll notes that a poll begins, unless none may any more.
func (s *drainingSlots) poll(permit *worker.SlotPermit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.drains {
		s.polls[permit] = struct{}{}
	}
	return !s.drains
}

// TryReserveSlot gives a slot for an activity that would come with the answer to a
// workflow task. Without one it goes to another worker.
func (s *drainingSlots) TryReserveSlot(info worker.SlotReservationInfo) *worker.SlotPermit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drains {
		return nil
	}
	return s.SlotSupplier.TryReserveSlot(info)
}

// MarkSlotUsed notes that a poll has brought an activity.
func (s *drainingSlots) MarkSlotUsed(info worker.SlotMarkUsedInfo) {
	s.mu.Lock()
	delete(s.polls, info.Permit())
	s.came = time.Now()
	s.mu.Unlock()
	s.SlotSupplier.MarkSlotUsed(info)
}

// ReleaseSlot takes a slot back, used or not.
func (s *drainingSlots) ReleaseSlot(info worker.SlotReleaseInfo) {
	s.mu.Lock()
	delete(s.polls, info.Permit())
	s.mu.Unlock()
	s.SlotSupplier.ReleaseSlot(info)
}

// drain gives no more slots out. It returns when the polls under way are back, or
// have brought nothing for a while.
func (s *drainingSlots) drain() {
	s.mu.Lock()
	s.drains, s.came = true, time.Now()
	s.mu.Unlock()
	ticker := time.NewTicker(quiet / 10)
	defer ticker.Stop()
	for end := time.Now().Add(mostQuiet); time.Now().Before(end); <-ticker.C {
		if s.isQuiet() {
			return
		}
	}
}

func (s *drainingSlots) isQuiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.polls) == 0 || time.Since(s.came) > quiet
}
