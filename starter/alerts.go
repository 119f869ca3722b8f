package main

import (
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

func newAlertsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: text.Sprintf("Test the robots that get alerts"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAlertsTestCommand())
	return cmd
}

func newAlertsTestCommand() *cobra.Command {
	var flowName string
	var daily bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: text.Sprintf("Send a test message to each robot of a flow"),
		Long: text.Sprintf("Sends a test message to each robot in the flow's alerts and shows the reply. " +
			"Addresses and secrets come from the same environment variables as the worker's. The exit code is 1 if a robot did not take the message."),
		Example: `  starter alerts test --flow refund_to_return
  starter alerts test --flow refund_to_return --daily`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			notice := alert.Notice{Flow: f.Name, Title: f.Title, Company: f.Company, At: time.Now(), Test: true}
			if daily {
				notice.Summary = sampleSummary(notice.At)
			}
			return testRobots(cmd, f, notice)
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("name of the flow"))
	cmd.Flags().BoolVar(&daily, "daily", false, text.Sprintf("show what a daily summary looks like, with figures that are made up"))
	requireFlags(cmd, "flow")
	return cmd
}

func sampleSummary(now time.Time) *alert.Summary {
	day := func(ago int) string { return now.In(beijing.Zone).AddDate(0, 0, -ago).Format(time.DateOnly) }
	watermark := now.Add(-8 * time.Minute)
	return &alert.Summary{
		Day: day(1),
		Counts: &alert.Counts{
			Runs: 144, Saved: alert.Sum{Count: 120, Amount: decimal.RequireFromString("9876.50")}, WereParked: 2, Updated: 1,
			LeftOut: map[string]int{"已作废": 5}, Parked: map[string]int{"unknown_material": 1},
		},
		Reconciliation:  &alert.Reconciliation{From: day(3), To: day(1), Differences: map[string]int{"parked": 1}},
		Watermark:       &watermark,
		LagLimitSeconds: int(time.Hour / time.Second),
	}
}

func testRobots(cmd *cobra.Command, f *flow.Flow, notice alert.Notice) error {
	if len(f.Alerts.Robots) == 0 {
		return text.Errorf("flow %s has no alerts, so there is no robot to test", f.Name)
	}
	c := &checks{out: cmd.OutOrStdout()}
	for _, named := range f.Alerts.Robots {
		found, err := "", error(nil)
		if r, settingsErr := syncworker.NewRobot(config.FromProcess(), named); settingsErr != nil {
			err = settingsErr
		} else if answer, sendErr := r.Send(cmd.Context(), notice); sendErr != nil {
			err = sendErr
		} else {
			found = text.Sprintf("delivered [%s] %s", answer.Code, answer.Message)
		}
		c.report(named.Kind+" "+named.URLFrom, found, err)
	}
	if c.failed {
		return &exitError{code: exitFailed}
	}
	return nil
}
