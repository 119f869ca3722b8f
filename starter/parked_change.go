package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"refundsync/internal/config"
	"refundsync/internal/fault"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// parkedChoice selects the parked orders that a command changes: by name, or by a filter.
type parkedChoice struct {
	filter parkedFilter
	bills  []string
	file   string
	all    bool
}

func (p *parkedChoice) addFlags(cmd *cobra.Command) {
	p.filter.addFlags(cmd)
	cmd.Flags().StringVar(&p.file, "file", "", text.Sprintf("file that names the orders, one per line; - is standard input"))
	cmd.Flags().BoolVar(&p.all, "all", false, text.Sprintf("all parked orders"))
}

// read reads the names, and refuses orders selected in two ways.
func (p *parkedChoice) read(cmd *cobra.Command, args []string) error {
	byFilter := p.filter.reason != "" || p.filter.shop != "" || p.all
	if byFilter == (len(args) > 0 || p.file != "") {
		return usageError(cmd, text.Errorf("give orders or --file, or else --reason, --shop or --all"))
	}
	p.bills = args
	if p.file == "" {
		return nil
	}
	named, err := readNames(cmd, p.file)
	p.bills = append(p.bills, named...)
	return err
}

// chosenOrder is a parked order and the name that selected it.
type chosenOrder struct{ bill, workflowID string }

// find gives the selected orders, each once. It fails if an order that was named is not
// parked.
func (p *parkedChoice) find(cmd *cobra.Command, c client.Client) ([]chosenOrder, error) {
	var chosen []chosenOrder
	if p.filter.flow == "" {
		if err := oneCompany(cmd); err != nil {
			return nil, err
		}
	}
	if len(p.bills) == 0 {
		orders, err := listParked(cmd.Context(), c, p.filter)
		for _, order := range orders {
			chosen = append(chosen, chosenOrder{order.ID, order.WorkflowID})
		}
		if err == nil && len(chosen) == 0 {
			err = p.filter.refuseUnknown(cmd, c)
		}
		return chosen, err
	}
	flowName := flowOfOrder(cmd.Context(), p.filter.flow)
	found := make([]chosenOrder, len(p.bills))
	err := eachAtOnce(cmd.Context(), p.bills, func(i int, bill string) error {
		workflowID, err := findParked(cmd, c, flowName, bill)
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

// askedAtOnce bounds the concurrent calls: one after the other, ten thousand would take
// minutes.
const askedAtOnce = 32

// eachAtOnce does all of them. A context that ends is one error, not one for each that was
// left out or interrupted.
func eachAtOnce[T any](ctx context.Context, all []T, do func(int, T) error) error {
	var errs []error
	var mu sync.Mutex
	var work errgroup.Group
	work.SetLimit(askedAtOnce)
	for i, one := range all {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(i, one); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	if work.Wait() != nil {
		errs = append(errs, text.Errorf("interrupted"))
	}
	return errors.Join(errs...)
}

// signal sends each order a signal and gives those that got it. Orders that a filter
// selected may have ended since; they are passed over.
func (p *parkedChoice) signal(ctx context.Context, c client.Client, chosen []chosenOrder, name string, content any) (signalled []chosenOrder, err error) {
	var mu sync.Mutex
	err = eachAtOnce(ctx, chosen, func(_ int, order chosenOrder) error {
		err := c.SignalWorkflow(ctx, order.workflowID, "", name, content)
		var ended *serviceerror.NotFound
		if errors.As(err, &ended) && len(p.bills) == 0 {
			return nil
		}
		if err != nil {
			return parkedError(order.bill, err)
		}
		mu.Lock()
		defer mu.Unlock()
		signalled = append(signalled, order)
		return nil
	})
	return signalled, err
}

func newParkedRetryCommand() *cobra.Command {
	var choice parkedChoice
	var wait bool
	cmd := &cobra.Command{
		Use:   "retry [BILL…]",
		Short: text.Sprintf("Retry parked orders at once"),
		Long: text.Sprintf("Reads parked orders from Jushuitan again and tries to save them at once; by themselves they are retried every 10 minutes to 12 hours. " +
			"Select them by order or bill number, by --file, or by --reason, --shop or --all."),
		Example: `  starter parked retry 700000691 700001740 --wait
  starter parked retry --reason unknown_material
  starter parked retry --all`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := choice.read(cmd, args); err != nil {
				return err
			}
			return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
				ctx, out := cmd.Context(), cmd.OutOrStdout()
				chosen, err := choice.find(cmd, c)
				if err != nil {
					return err
				}
				if err := refuseHeldOrders(ctx, c, settings, chosen); err != nil {
					return err
				}
				before := map[string]int{}
				if wait {
					if before, err = attemptsOf(ctx, c, chosen); err != nil {
						return err
					}
				}
				retried, err := choice.signal(ctx, c, chosen, workflows.RetrySignal, nil)
				if err != nil && len(retried) > 0 {
					say(out, text.Sprintf("Orders being retried: %d.", len(retried)))
				}
				if err != nil {
					return err
				}
				if !wait {
					say(out, text.Sprintf("Orders being retried: %d. For the outcome, see starter parked list, or use --wait.", len(retried)))
					return nil
				}
				for _, order := range retried {
					outcome, err := waitForAttempt(ctx, c, order, before[order.workflowID])
					if err != nil {
						return err
					}
					say(out, fmt.Sprintf("%s: %s", order.bill, outcome))
				}
				return nil
			})
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, text.Sprintf("wait for the outcome and show it"))
	alsoExits(cmd, exitInterrupted)
	return cmd
}

// refuseHeldOrders returns an error if the flow of one of the orders is held: nothing would be
// attempted.
func refuseHeldOrders(ctx context.Context, c client.Client, settings config.Worker, chosen []chosenOrder) error {
	_, flows, _ := flowsOf(ctx) // of none, the task queue is that of the settings
	asked := map[string]bool{}
	for _, order := range chosen {
		flowName := workflows.FlowOfParkedOrder(order.workflowID)
		if asked[flowName] {
			continue
		}
		asked[flowName] = true
		if err := refuseHeld(ctx, c, queueOf(settings, flows, flowName), flowName); err != nil {
			return err
		}
	}
	return nil
}

// attemptsOf gives the number of attempts so far, by workflow ID.
func attemptsOf(ctx context.Context, c client.Client, chosen []chosenOrder) (map[string]int, error) {
	attempts, mu := map[string]int{}, sync.Mutex{}
	err := eachAtOnce(ctx, chosen, func(_ int, order chosenOrder) error {
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

// askEvery is how often a parked order is asked whether it was retried.
const askEvery = time.Second

// waitForAttempt waits until an order has had more attempts than before, and gives the
// outcome.
func waitForAttempt(ctx context.Context, c client.Client, order chosenOrder, before int) (string, error) {
	for {
		shown, err := showParked(ctx, c, order.workflowID)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", text.Errorf("no longer waiting; the orders are retried all the same")
		case err != nil:
			return "", parkedError(order.bill, err)
		case shown.Ended != nil:
			return endingOf(*shown.Ended), nil
		case shown.Attempts > before:
			failure := shown.Version.Failure
			return text.Sprintf("still parked: %s: %s", fault.ReasonText(failure.Reason), failure.Message), nil
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
		}
	}
}

// endingOf says how an order stopped being parked.
func endingOf(ended workflows.ParkedOrderResult) string {
	switch {
	case ended.Discarded != nil:
		return text.Sprintf("discarded (%s: %s)", ended.Discarded.By, ended.Discarded.Reason)
	case ended.LeftOut != "":
		return text.Sprintf("skipped: %s", ended.LeftOut)
	}
	return text.Sprintf("saved: %s", ended.Order.BillNumber)
}

func newParkedDiscardCommand() *cobra.Command {
	var choice parkedChoice
	var note, by string
	var yes bool
	cmd := &cobra.Command{
		Use:   "discard [BILL…] --note TEXT",
		Short: text.Sprintf("Discard parked orders, which runs then leave out"),
		Long: text.Sprintf("Discards parked orders, after asking: runs leave them out until they change in Jushuitan. To sync one all the same, name it: starter run --order ID. " +
			"The Temporal server forgets discarded orders after the retention of its namespace; a run that reads one later tries to book it. The note and your name stay in their history. " +
			"Select them by order or bill number, by --file, or by --reason, --shop or --all."),
		Example: `  starter parked discard 700000691 --note "test order"
  starter parked discard --file months-closed.txt --note "booked by hand"
  starter parked discard --reason order_changed --shop 天猫旗舰店 \
    --note "checked by finance" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(note) == "" {
				return usageError(cmd, text.Errorf("--note can't be empty"))
			}
			who, err := whoElse(by)
			if err != nil {
				return usageError(cmd, err)
			}
			if choice.file == "-" && !yes {
				return usageError(cmd, text.Errorf("--file - needs --yes: standard input can't also answer a question"))
			}
			if err := choice.read(cmd, args); err != nil {
				return err
			}
			return changeTemporal(cmd.Context(), func(c client.Client, _ config.Worker) error {
				chosen, err := choice.find(cmd, c)
				if err != nil {
					return err
				}
				if len(chosen) > 0 && !yes {
					if err := askFirst(cmd, text.Sprintf("Discard these orders (%d): %s?", len(chosen), beginningOf(chosen))); err != nil {
						return err
					}
				}
				discarded, err := choice.signal(cmd.Context(), c, chosen, workflows.DiscardSignal, workflows.Discard{By: who, Reason: note})
				if len(discarded) > 0 || err == nil {
					say(cmd.OutOrStdout(), text.Sprintf("Orders discarded: %d (%s: %s)", len(discarded), who, note))
				}
				return err
			})
		},
	}
	choice.addFlags(cmd)
	cmd.Flags().StringVar(&note, "note", "", text.Sprintf("why; stays in the history"))
	cmd.Flags().StringVar(&by, "by", "", text.Sprintf("who; by default the current user"))
	cmd.Flags().BoolVar(&yes, "yes", false, text.Sprintf("do not ask"))
	requireFlags(cmd, "note")
	return cmd
}

// beginningOf names the first few orders.
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

// askFirst asks a question. Any answer but yes is an error.
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
	return text.Errorf("not confirmed, and nothing was done; answer y, or use --yes")
}
