// Command simulator runs Jushuitan (behind Qimen and its open platform) and Kingdee Cloud
// Galaxy on one loopback address, and prints the environment that a worker needs to use them.
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
	s.Faults = simulator.DefaultFaults()
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: text.Sprintf("Simulate Jushuitan (Qimen and open platform) and Kingdee Cloud Galaxy on this machine"),
		Example: `  simulator --orders 1000 --seed 1 --env-file sim.env &
  set -a; . ./sim.env; set +a; worker
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
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0", text.Sprintf("address to listen on; port 0 picks a free port"))
	flags.StringVar(&s.envFile, "env-file", "", text.Sprintf("file to write the environment variables to as well"))
	flags.StringVar(&s.Data, "data", "", text.Sprintf("file that keeps Kingdee's bills across restarts"))

	flags.Uint64Var(&s.Seed, "seed", 1, text.Sprintf("random seed; the same seed makes the same orders"))
	flags.IntVar(&s.Orders, "orders", simulator.DefaultOrders, text.Sprintf("number of orders that are confirmed and whose goods were received"))
	flags.StringVar(&s.from, "from", simulator.DefaultFrom.Format(time.DateTime), text.Sprintf("earliest modification time of the orders, in Beijing time"))
	flags.IntVar(&s.Days, "days", simulator.DefaultDays, text.Sprintf("number of days over which the orders are spread"))

	flags.IntVar(&s.ArrivePerMinute, "arrive", 0, text.Sprintf("new orders per minute from now on; --from then defaults to --days ago"))

	flags.DurationVar(&s.PageLatency, "page-latency", 0, text.Sprintf("time Jushuitan takes per page"))
	flags.DurationVar(&s.CallLatency, "call-latency", 0, text.Sprintf("time Kingdee takes per call"))
	flags.DurationVar(&s.BillLatency, "bill-latency", 0, text.Sprintf("additional time Kingdee takes per bill"))
	flags.IntVar(&s.CallsPerSecond, "calls-per-second", 0, text.Sprintf("calls per second that Jushuitan allows; 0 for no limit (in reality 5)"))
	flags.IntVar(&s.CallsPerMinute, "calls-per-minute", 0, text.Sprintf("calls per minute that Jushuitan allows; 0 for no limit (in reality 100)"))
	flags.BoolVar(&s.ExclusiveStart, "exclusive-start", false, text.Sprintf("exclude start_time from the range of a query"))
	flags.BoolVar(&s.ExclusiveEnd, "exclusive-end", false, text.Sprintf("exclude end_time from the range of a query"))
	flags.BoolVar(&s.SplitShops, "split-shops", false, text.Sprintf("show some shops' after-sales orders on the open platform alone; it never shows Taobao's"))
	flags.IntVar(&s.OpenPage, "open-page-size", 0, text.Sprintf("largest page_size of the open platform; 0 for that of the catalog, 50"))
	flags.DurationVar(&s.Tokens.Life, "token-life", 30*24*time.Hour, text.Sprintf("how long a token of the open platform is valid"))

	flags.StringVar(&s.Auth, "auth", simulator.AuthSignature, text.Sprintf("KINGDEE_AUTH to print: signature, appsecret, sign or password"))
	flags.DurationVar(&s.SessionLifetime, "session-lifetime", 20*time.Minute, text.Sprintf("how long a Kingdee session stays valid after its last call"))
	flags.BoolVar(&s.AllowDuplicateNumbers, "allow-duplicate-numbers", false, text.Sprintf("let several Kingdee bills have the same number"))

	flags.Var(&s.Habits, "habits", text.Sprintf("what the Kingdee tenant's settings do to bills, as JSON; /_sim/habits changes it at run time:\n%s", "renumber, upper_case_numbers, number_length, clean_notes, round_prices,\nhide_bills, no_right, no_form_right, form\n"))

	flags.Var(&s.Faults, "fault", text.Sprintf("a fault and its probability; repeatable; /_sim/faults changes them at run time:\n%s", names()+"\n"))
	flags.Uint64Var(&s.FaultSeed, "fault-seed", 0, text.Sprintf("random seed of the faults; 0 for that of --seed"))
	flags.DurationVar(&s.HangTime, "hang-time", faults.DefaultHangTime, text.Sprintf("how long a connection hangs before it is cut"))
	flags.DurationVar(&s.SaveDelay, "save-delay", faults.DefaultSaveDelay, text.Sprintf("how much later a late save takes effect"))
	flags.DurationVar(&s.ClockError, "clock-error", faults.DefaultClockError, text.Sprintf("how far source-clock-off puts the clock forward, and source-clock-behind back; negative for the opposite"))
	return cmd
}

// names lists all faults, one per line.
func names() string {
	var lines []string
	for _, name := range faults.Names() {
		lines = append(lines, string(name))
	}
	return strings.Join(lines, "\n")
}

// run serves until the command's context is cancelled.
func run(cmd *cobra.Command, s settings) error {
	if s.ArrivePerMinute == 0 || cmd.Flags().Changed("from") {
		from, err := time.ParseInLocation(time.DateTime, s.from, merchant.Beijing)
		if err != nil {
			return text.Errorf("--from must be yyyy-MM-dd HH:mm:ss: %w", err)
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
	environment, err := server.Environment().File()
	if err == nil && s.envFile != "" {
		err = os.WriteFile(s.envFile, []byte(environment), 0o600)
	}
	if err != nil {
		return errors.Join(err, server.Close(), sim.Close())
	}
	fmt.Fprint(cmd.OutOrStdout(), environment)
	state := sim.State()
	log.Info("serving", zap.String("url", server.URL()), zap.Int("orders", state.Source.Orders),
		zap.Int("customary", state.Source.Customary), zap.Int("bills", len(state.Kingdee.Bills)))
	err = server.Wait()
	log.Info("stopped")
	return errors.Join(err, sim.Close())
}
