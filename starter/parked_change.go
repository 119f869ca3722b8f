package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"refundsync/workflows"
)

// parkedChoice are the parked orders that a command is about: some by name, or those of
// a filter.
type parkedChoice struct {
	filter parkedFilter
	bills  []string
	file   string
	all    bool
}

func (p *parkedChoice) addFlags(cmd *cobra.Command) {
	p.filter.addFlags(cmd)
	cmd.Flags().StringVar(&p.file, "file", "", "文件里的单，每行一个；- 是标准输入 the orders of a file, one a line; - is standard input")
	cmd.Flags().BoolVar(&p.all, "all", false, "全部 all of them")
}

// read reads the names, and sees that the orders are chosen in one way.
func (p *parkedChoice) read(cmd *cobra.Command, args []string) error {
	byFilter := p.filter.reason != "" || p.filter.shop != "" || p.all
	if byFilter == (len(args) > 0 || p.file != "") {
		return usageError(cmd, errors.New("给出单据编号或 --file，或 --reason、--shop、--all 之一。 Give bill numbers or --file, or one of --reason, --shop and --all"))
	}
	p.bills = args
	if p.file == "" {
		return nil
	}
	in := cmd.InOrStdin()
	if p.file != "-" {
		file, err := os.Open(p.file)
		if err != nil {
			return fmt.Errorf("无法读取 %[1]s。 It can't be read: %[2]w", p.file, err)
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); line != "" {
			p.bills = append(p.bills, line)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("无法读取 %[1]s。 It can't be read: %[2]w", p.file, err)
	}
	if len(p.bills) == 0 {
		return fmt.Errorf("%s 里没有单。 It names no order", p.file)
	}
	return nil
}

// chosenOrder is a parked order, under the name by which it was chosen.
type chosenOrder struct{ bill, workflowID string }

// find gives the orders that are chosen, each once. It fails where one that was named
// does not wait.
func (p *parkedChoice) find(ctx context.Context, c client.Client) ([]chosenOrder, error) {
	var chosen []chosenOrder
	if len(p.bills) == 0 {
		err := listParked(ctx, c, p.filter, func(order parkedOrder) error {
			chosen = append(chosen, chosenOrder{order.ID, order.WorkflowID})
			return nil
		})
		return chosen, err
	}
	found := make([]chosenOrder, len(p.bills))
	err := eachAtOnce(p.bills, func(i int, bill string) error {
		workflowID, err := findParked(ctx, c, cmp.Or(p.filter.flow, builtInFlow), bill)
		found[i] = chosenOrder{bill, workflowID}
		return err
	})
	seen := map[string]bool{}
	for _, order := range found {
		if !seen[order.workflowID] {
			seen[order.workflowID] = true
			chosen = append(chosen, order)
		}
	}
	return chosen, err
}

// askedAtOnce is how many orders are asked for or told at a time: one after the other,
// ten thousand would take minutes.
const askedAtOnce = 32

func eachAtOnce[T any](all []T, do func(int, T) error) error {
	var errs []error
	var mu sync.Mutex
	var work errgroup.Group
	work.SetLimit(askedAtOnce)
	for i, one := range all {
		work.Go(func() error {
			if err := do(i, one); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	_ = work.Wait() // its work gives no error
	return errors.Join(errs...)
}

// tell sends each order a signal. Of those that a filter chose, one that has ended since
// needs none; told are the others.
func (p *parkedChoice) tell(ctx context.Context, c client.Client, chosen []chosenOrder, signal string, content any) (told []chosenOrder, err error) {
	var mu sync.Mutex
	err = eachAtOnce(chosen, func(_ int, order chosenOrder) error {
		err := c.SignalWorkflow(ctx, order.workflowID, "", signal, content)
		var ended *serviceerror.NotFound
		if errors.As(err, &ended) && len(p.bills) == 0 {
			return nil
		}
		if err != nil {
			return parkedError(order.bill, err)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, order)
		return nil
	})
	return told, err
}

func newParkedRetryCommand() *cobra.Command {
	var choice parkedChoice
	var wait bool
	cmd := &cobra.Command{
		Use:   "retry [BILL…]",
		Short: "立即重读并重试挂起的单 read parked orders again, and try them at once",
		Example: `  starter parked retry 700000691 700001740 --wait
  starter parked retry --reason unknown_material
  starter parked retry --all`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := choice.read(cmd, args); err != nil {
				return err
			}
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				ctx, out := cmd.Context(), cmd.OutOrStdout()
				chosen, err := choice.find(ctx, c)
				if err != nil {
					return err
				}
				before := map[string]int{}
				if wait {
					if before, err = attemptsOf(ctx, c, chosen); err != nil {
						return err
					}
				}
				told, err := choice.tell(ctx, c, chosen, workflows.RetrySignal, nil)
				if err != nil {
					return err
				}
				if !wait {
					_, err = fmt.Fprintf(out, "正在重试 %d 单；结果见 parked list，或加 --wait。 Trying %[1]d orders again; see parked list, or use --wait\n", len(told))
					return err
				}
				for _, order := range told {
					outcome, err := waitForAttempt(ctx, c, order, before[order.workflowID])
					if err != nil {
						return err
					}
					if _, err := fmt.Fprintf(out, "%s: %s\n", order.bill, outcome); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "等到有结果并显示 wait for the outcome and show it")
	return cmd
}

// attemptsOf are the attempts that were made at orders so far, by their workflows.
func attemptsOf(ctx context.Context, c client.Client, chosen []chosenOrder) (map[string]int, error) {
	attempts, mu := map[string]int{}, sync.Mutex{}
	err := eachAtOnce(chosen, func(_ int, order chosenOrder) error {
		shown, err := showParked(ctx, c, order.workflowID)
		if err != nil {
			return parkedError(order.bill, err)
		}
		mu.Lock()
		defer mu.Unlock()
		attempts[order.workflowID] = shown.Attempts
		return nil
	})
	return attempts, err
}

// askEvery is how often an order is asked whether it was tried.
const askEvery = time.Second

// waitForAttempt waits until an attempt has ended beyond those before, and says what came
// of it.
func waitForAttempt(ctx context.Context, c client.Client, order chosenOrder, before int) (string, error) {
	for {
		shown, err := showParked(ctx, c, order.workflowID)
		switch {
		case err != nil:
			return "", parkedError(order.bill, err)
		case shown.Ended != nil:
			return endingOf(*shown.Ended), nil
		case shown.Attempts > before:
			failure := shown.Version.Failure
			return fmt.Sprintf("仍挂起 still parked: %s: %s", failure.Reason, failure.Message), nil
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// endingOf says how the waiting of an order ended.
func endingOf(ended workflows.ParkedOrderResult) string {
	switch {
	case ended.Discarded != nil:
		return fmt.Sprintf("已放弃 discarded (%s: %s)", ended.Discarded.By, ended.Discarded.Reason)
	case ended.LeftOut != "":
		return "不同步 left out: " + ended.LeftOut
	}
	return "已保存 saved: " + ended.Order.BillNumber
}

func newParkedDiscardCommand() *cobra.Command {
	var choice parkedChoice
	var note, by string
	var yes bool
	cmd := &cobra.Command{
		Use:   "discard [BILL…] --note TEXT",
		Short: "放弃挂起的单 give parked orders up",
		Example: `  starter parked discard 700000691 --note 测试单
  starter parked discard --file months-closed.txt --note "财务已手工入账"
  starter parked discard --reason order_changed --shop 天猫旗舰店 --note "财务已核对" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(note) == "" {
				return usageError(cmd, errors.New("--note 不能为空。 It can't be empty"))
			}
			who, err := whoElse(by)
			if err != nil {
				return usageError(cmd, err)
			}
			if choice.file == "-" && !yes {
				return usageError(cmd, errors.New("--file - 要与 --yes 一起用：标准输入答不了问题。 --file - goes with --yes: standard input can't answer as well"))
			}
			if err := choice.read(cmd, args); err != nil {
				return err
			}
			return changeTemporal(cmd.Context(), func(c client.Client) error {
				chosen, err := choice.find(cmd.Context(), c)
				if err != nil {
					return err
				}
				if len(chosen) > 0 && !yes {
					if err := askFirst(cmd, fmt.Sprintf("放弃 %d 单（%s）？ Discard %[1]d orders?", len(chosen), beginningOf(chosen))); err != nil {
						return err
					}
				}
				told, err := choice.tell(cmd.Context(), c, chosen, workflows.DiscardSignal, workflows.Discard{By: who, Reason: note})
				if len(told) > 0 || err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "已放弃 %d 单 discarded (%s: %s)\n", len(told), who, note)
				}
				return err
			})
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().StringVar(&note, "note", "", "为什么 why")
	cmd.Flags().StringVar(&by, "by", "", "谁，默认当前用户 who; the current user if left out")
	cmd.Flags().BoolVar(&yes, "yes", false, "不再询问 do not ask")
	requireFlags(cmd, "note")
	return cmd
}

// beginningOf names the first few of the orders.
func beginningOf(chosen []chosenOrder) string {
	const few = 5
	var names []string
	for _, order := range chosen[:min(few, len(chosen))] {
		names = append(names, order.bill)
	}
	if len(chosen) > few {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// askFirst asks a question; an error says that the answer was not yes.
func askFirst(cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是":
		return nil
	}
	return errors.New("没有确认，什么也没有做；确认请答 y，或加 --yes。 Not confirmed, and nothing was done; answer y, or use --yes")
}
