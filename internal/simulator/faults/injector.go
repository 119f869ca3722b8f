package faults

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// The defaults of the options.
const (
	DefaultHangTime   = 5 * time.Second
	DefaultSaveDelay  = time.Second
	DefaultClockError = 15 * time.Minute
)

// Options configure an injector. The zero value of a duration is its default.
type Options struct {
	Seed          uint64
	Probabilities Probabilities
	// HangTime is how long a connection hangs before it is cut.
	HangTime time.Duration
	// SaveDelay is how much later a late save takes effect.
	SaveDelay time.Duration
	// ClockError is how far SourceClockOff puts the clock forward and SourceClockBehind
	// back; a negative one does the opposite.
	ClockError time.Duration
}

// Injector decides when a fault strikes. Each fault draws from its own sequence, so calls
// made in sequence see the same faults for the same seed, whichever other faults are on.
// It is safe for concurrent use.
type Injector struct {
	options Options

	mu            sync.Mutex
	probabilities Probabilities
	sequences     map[Name]*rand.Rand
	injected      map[Name]int
	hanging       chan struct{} // closed to end all hangs
}

// New makes an injector. It returns an error if a fault is unknown or its probability is
// outside 0 to 1.
func New(options Options) (*Injector, error) {
	if options.HangTime == 0 {
		options.HangTime = DefaultHangTime
	}
	if options.SaveDelay == 0 {
		options.SaveDelay = DefaultSaveDelay
	}
	if options.ClockError == 0 {
		options.ClockError = DefaultClockError
	}
	i := &Injector{options: options, sequences: map[Name]*rand.Rand{}, injected: map[Name]int{}, hanging: make(chan struct{})}
	for _, name := range names {
		h := fnv.New64a()
		h.Write([]byte(name))
		i.sequences[name] = rand.New(rand.NewPCG(options.Seed, h.Sum64()))
	}
	return i, i.Set(options.Probabilities)
}

// None returns an injector without faults.
func None() *Injector {
	i, err := New(Options{})
	if err != nil {
		panic(err) // without probabilities there is no error
	}
	return i
}

// Set sets all probabilities: faults that are not named are off. Sequences continue where
// they are. On error, nothing changes.
func (i *Injector) Set(p Probabilities) error {
	return i.change(p, func(Probabilities) Probabilities { return Probabilities{} })
}

// Add sets the probabilities of the named faults and keeps the others. On error, nothing
// changes.
func (i *Injector) Add(p Probabilities) error {
	return i.change(p, maps.Clone[Probabilities])
}

// Clear switches all faults off.
func (i *Injector) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.probabilities = Probabilities{}
}

// change merges p into what base makes of the current probabilities.
func (i *Injector) change(p Probabilities, base func(set Probabilities) Probabilities) error {
	if err := p.check(); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	changed := base(i.probabilities)
	maps.Copy(changed, p)
	i.probabilities = changed
	return nil
}

// Probabilities returns the current probabilities.
func (i *Injector) Probabilities() Probabilities {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.probabilities)
}

// Injected counts how often each fault has struck, without those that never did.
func (i *Injector) Injected() map[Name]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.injected)
}

// On reports whether a fault can strike at all.
func (i *Injector) On(name Name) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.probabilities[name] > 0
}

// Strikes draws whether a fault strikes now, and counts it if so. Call it only where the
// fault would make a difference.
func (i *Injector) Strikes(name Name) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	probability := i.probabilities[name]
	if probability == 0 || i.sequences[name].Float64() >= probability {
		return false
	}
	i.injected[name]++
	return true
}

// Pick draws one of n variants of a fault that strikes, from 0.
func (i *Injector) Pick(name Name, n int) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sequences[name].IntN(n)
}

// SaveDelay is how much later a late save takes effect.
func (i *Injector) SaveDelay() time.Duration { return i.options.SaveDelay }

// ClockError is how far SourceClockOff puts the clock forward and SourceClockBehind back.
func (i *Injector) ClockError() time.Duration { return i.options.ClockError }
