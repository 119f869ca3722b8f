package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/alert"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
)

func newAlertsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "告警机器人：测试 the robots that are told: test them",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAlertsTestCommand())
	for _, command := range cmd.Commands() {
		command.Args = usageArgs(command.Args)
	}
	return cmd
}

func newAlertsTestCommand() *cobra.Command {
	var flowName string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "给流程的每个机器人发一条测试消息 send a test message to each robot of a flow",
		Long: `给流程文件 alerts 里的每个机器人发一条测试消息，并显示它的回复。地址与密钥来自环境变量，与 worker 相同。
Sends a test message to each robot of the flow's alerts and shows what it answered. Addresses and secrets come from the environment, as the worker's do.`,
		Example: `  starter alerts test --flow refund_to_return`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, f, err := loadFlow(cmd, flowName)
			if err != nil {
				return err
			}
			return testRobots(cmd, f)
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", "流程名 name of the flow")
	requireFlags(cmd, "flow")
	return cmd
}

func testRobots(cmd *cobra.Command, f *flow.Flow) error {
	if len(f.Alerts.Robots) == 0 {
		return fmt.Errorf("流程 %s 没有 alerts：没有要测试的机器人。 The flow has no alerts, so there is no robot to test", f.Name)
	}
	c := &checks{out: cmd.OutOrStdout()}
	for _, named := range f.Alerts.Robots {
		found, err := "", error(nil)
		if r, settingsErr := syncworker.NewRobot(config.FromProcess(), named); settingsErr != nil {
			err = settingsErr
		} else if answer, sendErr := r.Send(cmd.Context(), alert.Notice{Flow: f.Name, Title: f.Title, At: time.Now(), Test: true}); sendErr != nil {
			err = sendErr
		} else {
			found = fmt.Sprintf("已送达 taken [%s] %s", answer.Code, answer.Message)
		}
		c.report(named.Kind+" "+named.URLFrom, found, err)
	}
	if c.failed {
		return &exitError{code: exitFailed}
	}
	return nil
}
