// Command simulator runs both outside systems, Jushuitan behind Qimen and
// Kingdee Cloud Galaxy, on one loopback address, and prints the environment
// that a worker needs to use them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := text.UseAsked(os.Args[1:])
	if err == nil {
		err = newCommand().ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	simulator.Options
	listen, from, envFile string
}

func newCommand() *cobra.Command {
	s := settings{}
	s.Faults = simulator.Lives()
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "在本机模拟聚水潭（奇门）和金蝶云星空。 Simulates Jushuitan (Qimen) and Kingdee Cloud Galaxy on this machine.",
		Example: `  simulator --orders 1000 --seed 1 --env-file sim.env &
  . ./sim.env && worker
  simulator --habits '{"renumber":true,"no_right":["FTaxPrice"]}'
  simulator --fault kingdee-reply-lost=0.05 --fault source-call-limit=0.1 --fault-seed 7`,
		Version:       version.Long(),
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd, s) },
	}
	flags := cmd.Flags()
	flags.String(text.Flag, "", text.Sprintf("language: en or zh-CN; by default %s, then the system's", text.Variable))
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0", "监听地址，端口0为任意空闲端口。 Address to listen at; port 0 is any free port.")
	flags.StringVar(&s.envFile, "env-file", "", "把环境变量也写入此文件。 Writes the environment to this file as well.")
	flags.StringVar(&s.Data, "data", "", "保存金蝶单据的文件，重启后继续使用。 File that keeps Kingdee's bills across restarts.")

	flags.Uint64Var(&s.Seed, "seed", 1, "随机种子，相同则订单相同。 Seed: the same one makes the same orders.")
	flags.IntVar(&s.Orders, "orders", simulator.DefaultOrders, "常用条件下能查到的订单数。 Orders that the customary filter returns.")
	flags.StringVar(&s.from, "from", simulator.DefaultFrom.Format(time.DateTime), "订单修改时间的起点，北京时间。 From when orders are modified, Beijing time.")
	flags.IntVar(&s.Days, "days", simulator.DefaultDays, "订单分布的天数。 Days that the orders are spread over.")

	flags.IntVar(&s.ArrivePerMinute, "arrive", 0, "从现在起每分钟新到的订单数；此时 --from 默认为 --days 天前。 Orders that arrive a minute from now on; --from is --days ago by default then.")

	flags.DurationVar(&s.PageLatency, "page-latency", 0, "聚水潭每页耗时。 Time Jushuitan takes for a page.")
	flags.DurationVar(&s.CallLatency, "call-latency", 0, "金蝶每次调用耗时。 Time Kingdee takes for a call.")
	flags.DurationVar(&s.BillLatency, "bill-latency", 0, "金蝶每张单据另加的耗时。 Time Kingdee takes for each bill besides.")
	flags.IntVar(&s.CallsPerSecond, "calls-per-second", 0, "聚水潭每秒调用上限，0不限（实际为5）。 Calls a second that Jushuitan allows; 0 is no limit (really 5).")
	flags.IntVar(&s.CallsPerMinute, "calls-per-minute", 0, "聚水潭每分钟调用上限，0不限（实际为100）。 Calls a minute that Jushuitan allows; 0 is no limit (really 100).")
	flags.BoolVar(&s.ExclusiveStart, "exclusive-start", false, "时间范围不含start_time。 start_time is not part of a range.")
	flags.BoolVar(&s.ExclusiveEnd, "exclusive-end", false, "时间范围不含end_time。 end_time is not part of a range.")

	flags.StringVar(&s.Auth, "auth", simulator.AuthSignature, "输出的KINGDEE_AUTH。 KINGDEE_AUTH to print: signature, appsecret, sign, password.")
	flags.DurationVar(&s.SessionLifetime, "session-lifetime", 20*time.Minute, "金蝶会话的有效期。 How long a session of Kingdee lives after its last call.")
	flags.BoolVar(&s.AllowDuplicateNumbers, "allow-duplicate-numbers", false, "金蝶不检查单据编号唯一。 A Kingdee without the rule that a bill number is used once.")

	flags.Var(&s.Habits, "habits", "金蝶租户的设置对单据的影响，也可在运行时用 /_sim/habits 设置。 What the tenant's settings do to bills; may be set at run time by /_sim/habits:\nrenumber, upper_case_numbers, number_length, clean_notes, round_prices, hide_bills, no_right")

	flags.Var(&s.Faults, "fault", "故障及其概率，可重复，也可在运行时用 /_sim/faults 设置。 A fault and how often it strikes; may be repeated, and set at run time by /_sim/faults:\n"+names()+"\n")
	flags.Uint64Var(&s.FaultSeed, "fault-seed", 0, "故障的随机种子，0同--seed。 Seed of the faults; 0 is that of --seed.")
	flags.DurationVar(&s.HangTime, "hang-time", faults.DefaultHangTime, "连接挂起多久后断开。 How long a hanging connection hangs.")
	flags.DurationVar(&s.SaveDelay, "save-delay", faults.DefaultSaveDelay, "迟到的保存晚多久生效。 How much later a late save lands.")
	flags.DurationVar(&s.ClockError, "clock-error", faults.DefaultClockError, "时钟不准（source-clock-off）时快多少，落后（source-clock-behind）时慢多少；负数相反。 How far a clock that is off is fast, and one that is behind slow; negative for the other way.")
	return cmd
}

// names lists all faults, a line each.
func names() string {
	var lines []string
	for _, name := range faults.Names() {
		lines = append(lines, string(name))
	}
	return strings.Join(lines, "\n")
}

// run serves until the command's context is done.
func run(cmd *cobra.Command, s settings) error {
	if s.ArrivePerMinute == 0 || cmd.Flags().Changed("from") {
		from, err := time.ParseInLocation(time.DateTime, s.from, merchant.Beijing)
		if err != nil {
			return fmt.Errorf("--from 必须是 yyyy-MM-dd HH:mm:ss。 --from must be yyyy-MM-dd HH:mm:ss: %w", err)
		}
		s.From = from
	}
	log, err := zap.NewDevelopment(zap.WithCaller(false))
	if err != nil {
		return err
	}
	sim, err := simulator.New(s.Options)
	if err != nil {
		return err
	}
	server, err := sim.Start(cmd.Context(), s.listen)
	if err != nil {
		return errors.Join(err, sim.Close())
	}
	exports := server.Environment().Exports()
	fmt.Fprint(cmd.OutOrStdout(), exports)
	if s.envFile != "" {
		if err := os.WriteFile(s.envFile, []byte(exports), 0o600); err != nil {
			return errors.Join(err, server.Close(), sim.Close())
		}
	}
	state := sim.State()
	log.Info("serving", zap.String("url", server.URL()), zap.Int("orders", state.Source.Orders),
		zap.Int("customary", state.Source.Customary), zap.Int("bills", len(state.Kingdee.Bills)))
	err = server.Wait()
	log.Info("stopped")
	return errors.Join(err, sim.Close())
}
