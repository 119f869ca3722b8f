package main

import (
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/alert"
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
	cmd := &cobra.Command{
		Use:   "test",
		Short: text.Sprintf("Send a test message to each robot of a flow"),
		Long: text.Sprintf("Sends a test message to each robot in the flow's alerts and shows the reply. " +
			"Addresses and secrets come from the same environment variables as the worker's. The exit code is 1 if a robot did not take the message."),
		Example: `  starter alerts test --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			return testRobots(cmd, f)
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("name of the flow"))
	requireFlags(cmd, "flow")
	return cmd
}

func testRobots(cmd *cobra.Command, f *flow.Flow) error {
	if len(f.Alerts.Robots) == 0 {
		return text.Errorf("flow %s has no alerts, so there is no robot to test", f.Name)
	}
	c := &checks{out: cmd.OutOrStdout()}
	for _, named := range f.Alerts.Robots {
		found, err := "", error(nil)
		if r, settingsErr := syncworker.NewRobot(config.FromProcess(), named); settingsErr != nil {
			err = settingsErr
		} else if answer, sendErr := r.Send(cmd.Context(), alert.Notice{Flow: f.Name, Title: f.Title, At: time.Now(), Test: true}); sendErr != nil {
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
