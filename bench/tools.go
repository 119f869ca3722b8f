package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
)

// readers is how many pages a tool reads at a time where it reads several.
const readers = 8

// contender does the work of the built-in flow.
type contender struct {
	name  string
	scene scene
	play  func(context.Context, *stage) (measured, error)
	// marks says that its notes end with the sync's mark.
	marks bool
}

func (b *bench) tools(ctx context.Context) error {
	contenders, err := b.contenders(ctx)
	if err != nil {
		return err
	}
	rounds := make([][]measured, len(contenders))
	for range b.rounds {
		for i, c := range contenders {
			m, err := b.contend(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			rounds[i] = append(rounds[i], m)
		}
	}
	b.head("what, orders in a page", "orders/s", "the sync with pages of 50, against it", "with pages of 100", "ms CPU an order: itself", "server", "simulators")
	pages, fullPages := median(rounds[0]), median(rounds[1])
	for i, c := range contenders {
		m := median(rounds[i])
		b.row(c.name, number(m.perSecond()), ratio(pages.perSecond(), m.perSecond()), ratio(fullPages.perSecond(), m.perSecond()),
			m.each(m.workerCPU), m.each(m.serverCPU), m.each(m.simulatorCPU))
	}
	return nil
}

// contend has one do the work, and requires that it does it right.
func (b *bench) contend(ctx context.Context, c contender) (m measured, err error) {
	err = b.on(ctx, c.scene, func(ctx context.Context, st *stage) error {
		if m, err = c.play(ctx, st); err != nil {
			return err
		}
		return st.checkBills(c.marks)
	})
	return m, err
}

// median is the one that took neither the longest nor the shortest.
func median(all []measured) measured {
	slices.SortFunc(all, func(a, b measured) int { return cmp.Compare(a.duration, b.duration) })
	return all[len(all)/2]
}

// contenders are the sync with pages of 50 and of 100, and what it is compared with.
func (b *bench) contenders(ctx context.Context) ([]contender, error) {
	s := b.latencyScene()
	pages := s
	pages.grain = flow.GrainPage
	fullPages := pages
	fullPages.pageSize = 100
	sync := func(ctx context.Context, st *stage) (measured, error) { return st.sync(ctx) }
	all := []contender{
		{"sync, page, 50", pages, sync, true},
		{"sync, page, 100", fullPages, sync, true},
		{"plain loop, 50", s, func(ctx context.Context, st *stage) (measured, error) { return st.loop(ctx) }, true},
	}
	name, path := "Bento", b.bento
	if path == "" {
		var err error
		if path, err = b.benthos(ctx); err != nil {
			return nil, err
		}
		name = "Benthos"
	}
	all = append(all,
		contender{name + ", 50", s, func(ctx context.Context, st *stage) (measured, error) {
			return st.benthos(ctx, path, "one_page.yaml")
		}, false},
		contender{fmt.Sprintf("%s, 50, %d pages at a time", name, readers), s, func(ctx context.Context, st *stage) (measured, error) {
			return st.benthos(ctx, path, "pages_at_once.yaml")
		}, false})
	if b.nodeRED == "" {
		return all, nil
	}
	return append(all,
		contender{"Node-RED, 50", s, func(ctx context.Context, st *stage) (measured, error) {
			return st.nodeRED(ctx, b.nodeRED, 1)
		}, false},
		contender{fmt.Sprintf("Node-RED, 50, %d pages at a time", readers), s, func(ctx context.Context, st *stage) (measured, error) {
			return st.nodeRED(ctx, b.nodeRED, readers)
		}, false}), nil
}

// benthos gives the path of Benthos, which is built the first time.
func (b *bench) benthos(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "benthos")
	cmd.Dir = filepath.Join("tools", "benthos")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = b.log
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building Benthos; run it in the project's folder: %w", err)
	}
	return strings.TrimSpace(string(path)), nil
}

// benthos has Benthos do the work. Its start, a tenth of a second, counts.
func (st *stage) benthos(ctx context.Context, path, config string) (m measured, err error) {
	env, err := st.toolEnv(readers)
	if err != nil {
		return m, err
	}
	folder := filepath.Join("bench", "benthos")
	cmd := exec.CommandContext(ctx, path, "-r", filepath.Join(folder, "resources.yaml"), "-c", filepath.Join(folder, config))
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = st.bench.log, st.bench.log
	simulators := cpuTime(st.simulators.pid())
	begun := time.Now()
	p, err := begin(cmd)
	if err != nil {
		return m, err
	}
	if err := p.wait(); err != nil {
		return m, err
	}
	return measured{
		orders: st.orders, duration: time.Since(begun),
		workerCPU: p.cpuTime(), simulatorCPU: cpuTime(st.simulators.pid()) - simulators,
	}, nil
}

// nodeRED has Node-RED do the work, reading so many pages at a time. Its start does
// not count: it waits for a request to begin.
func (st *stage) nodeRED(ctx context.Context, path string, readers int) (m measured, err error) {
	env, err := st.toolEnv(readers)
	if err != nil {
		return m, err
	}
	folder := filepath.Join(st.folder, "node-red")
	if err := writeNodeREDFlow(filepath.Join("bench", "nodered"), folder); err != nil {
		return m, err
	}
	address, err := freeAddress()
	if err != nil {
		return m, err
	}
	settings, err := filepath.Abs(filepath.Join("bench", "nodered", "settings.js"))
	if err != nil {
		return m, err
	}
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(ctx, path, "--userDir", folder, "--settings", settings, "--port", port, nodeREDFlow)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = st.bench.log, st.bench.log
	p, err := begin(cmd)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	url := "http://" + address
	if err := awaitAnswer(ctx, p, url+"/ready"); err != nil {
		return m, err
	}
	itself, simulators := cpuTime(p.pid()), cpuTime(st.simulators.pid())
	begun := time.Now()
	response, err := http.Post(url+"/run", "text/plain", nil)
	if err != nil {
		return m, err
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, reply)
	}
	return measured{
		orders: st.orders, duration: time.Since(begun),
		workerCPU: cpuTime(p.pid()) - itself, simulatorCPU: cpuTime(st.simulators.pid()) - simulators,
	}, err
}

const nodeREDFlow = "flows.json"

// writeNodeREDFlow puts the functions, which are files of their own, into the flow.
func writeNodeREDFlow(from, to string) error {
	written, err := os.ReadFile(filepath.Join(from, "flow.json"))
	if err != nil {
		return err
	}
	var nodes []map[string]any
	if err := json.Unmarshal(written, &nodes); err != nil {
		return err
	}
	for _, node := range nodes {
		if name, ok := node["func"].(string); ok {
			function, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				return err
			}
			node["func"] = string(function)
		}
	}
	if written, err = json.Marshal(nodes); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, nodeREDFlow), written, 0o600)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// awaitAnswer waits until a process answers there.
func awaitAnswer(ctx context.Context, p *process, url string) error {
	for {
		response, err := http.Get(url)
		if err == nil {
			_ = response.Body.Close() // nothing of it is read
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return errors.New("it ended before it began")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// toolEnv is what a tool is told: the workers' settings, the range and its pages, and
// the two parts of the AppID, which its user takes apart once.
func (st *stage) toolEnv(readers int) ([]string, error) {
	id, secret, err := kingdee.SplitAppID(st.at.Env["KINGDEE_APP_ID"])
	if err != nil {
		return nil, err
	}
	settings := map[string]string{
		"KINGDEE_CLIENT_ID":     id,
		"KINGDEE_CLIENT_SECRET": secret,
		"START_TIME":            st.from.In(merchant.Beijing).Format(time.DateTime),
		"END_TIME":              st.to.Add(-time.Second).In(merchant.Beijing).Format(time.DateTime),
		"READERS":               strconv.Itoa(readers),
		"PAGES":                 strconv.Itoa((st.orders + st.pageSize - 1) / st.pageSize),
	}
	env := slices.Clone(st.env)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, name+"="+settings[name])
	}
	return env, nil
}

// checkBills requires that each order has its bill, once and right in every field.
func (st *stage) checkBills(marks bool) error {
	var truth struct{ Orders merchant.Truth }
	if err := st.ask("/_sim/truth", &truth); err != nil {
		return err
	}
	var state simulator.State
	if err := st.ask("/_sim/state", &state); err != nil {
		return err
	}
	differences := slices.DeleteFunc(simulator.Compare(truth.Orders, state), func(d simulator.Difference) bool {
		return !marks && d.Field == "FHeadNote" && d.Want == d.Got+" [mark]"
	})
	if len(differences) > 0 {
		return fmt.Errorf("%d bills or fields are not as they must be; the first: %s", len(differences), differences[0])
	}
	return nil
}
