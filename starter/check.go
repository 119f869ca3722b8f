package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// checkTimeout bounds each check.
const checkTimeout = 30 * time.Second

func newCheckCommand() *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use:   "check",
		Short: text.Sprintf("Check settings, flows, both systems and the workers"),
		Long: text.Sprintf("Checks the settings, the flow files, Jushuitan, Kingdee, Temporal and the workers. It writes to neither system; with flows on the open platform, it starts the workflow that keeps the access token, as a worker would, if none is running. " +
			"Each check is a line: ✓ passed, ✗ failed, with what to do, ! to be looked at. The exit code is 1 if one failed.\n" +
			"The codes of the flow files (constants, tables) are looked up in Kingdee: whether they exist, are audited and enabled, and may be used by the organisation. " +
			"The shops, warehouses and other codes of the last days' orders are looked up in the tables; one without a row is to be looked at, since its orders are parked. This reads those orders from Jushuitan, and the calls count against the allowance."),
		Example: "  starter check\n  starter check --days 30",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 || days > mostCheckedDays {
				return usageError(cmd, text.Errorf("--days %d: expected 0 to %d", days, mostCheckedDays))
			}
			c := &checks{out: cmd.OutOrStdout(), days: days}
			c.all(cmd.Context())
			if c.failed {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&days, "days", 7, text.Sprintf("days of orders whose codes are looked up in the tables; 0 reads none"))
	return cmd
}

// mostCheckedDays bounds --days.
const mostCheckedDays = 90

// checks runs one check after the other, without those that depend on one that failed.
type checks struct {
	out    io.Writer
	days   int // of orders whose codes are checked
	failed bool
	// withoutTemporal leaves out Temporal and the workers, which may not be there yet.
	withoutTemporal bool
	// company is that of the checks under way; "" for the settings without one.
	company string
}

// report prints a check and returns whether it passed.
func (c *checks) report(what, found string, err error) bool {
	if err == nil {
		c.print("✓", what, found)
		return true
	}
	c.failed = true
	c.print("✗", what, err.Error())
	return false
}

// note prints what is not a failure but should be looked at.
func (c *checks) note(what, found string) { c.print("!", what, found) }

// print indents all lines but the first.
func (c *checks) print(mark, what, found string) {
	if c.company != "" {
		what = c.company + ": " + what
	}
	const indent = "    "
	columns := max(terminalColumns(c.out)-len(indent), 0)
	fmt.Fprintln(c.out, strings.ReplaceAll(wrap(mark+" "+what+": "+found, columns), "\n", "\n"+indent))
}

func (c *checks) all(ctx context.Context) {
	worker, flows, flowsErr := flowsOf(ctx)
	c.report(text.Sprintf("Flows"), strings.Join(sortedNames(flows), ", "), flowsErr)
	c.robots(flows)
	// What can't be loaded is said by other checks.
	if companies, _ := syncworker.Load(config.FromProcess()); len(companies) > 1 {
		c.report(text.Sprintf("Numbers of bills"), text.Sprintf("each company of a data centre has its own"), syncworker.CheckSharedNumbers(companies))
	}
	var temporal client.Client
	if c.withoutTemporal {
		c.note("Temporal", text.Sprintf("not checked; starter check does, with the workers"))
	} else {
		var err error
		if temporal, err = dial(); c.report("Temporal", text.Sprintf("connected"), err) {
			defer temporal.Close()
			if name := worker.DeploymentName; name != "" {
				current, err := currentVersion(ctx, temporal, name)
				c.report("Worker Deployment "+name, text.Sprintf("current version %s", current), err)
			}
		}
	}
	if chosen := scopeOf(ctx); len(flows) == 0 || !chosen.all {
		c.ofCompany(ctx, chosen.environment, temporal, flows, flowsErr == nil)
		return
	}
	for _, company := range flows.Companies() {
		c.ofCompany(ctx, config.FromProcess().Of(company), temporal, flows.OfCompany(company), true)
	}
}

// ofCompany checks what a company has of its own. temporal is nil if it is not checked, or not
// connected.
func (c *checks) ofCompany(ctx context.Context, environment config.Environment, temporal client.Client, flows flow.Flows, flowsOK bool) {
	c.company = environment.Company()
	settings, err := environment.Load(flows.Transports()...)
	settingsOK := c.report(text.Sprintf("Settings"), text.Sprintf("complete; %s", describeEncryption(settings.Encryption)), err)
	var source *jushuitan.Client
	if settingsOK && flowsOK {
		source = c.systems(ctx, settings, temporal, flows)
	}
	if temporal != nil {
		taskQueue := settings.Worker.TaskQueue
		queues := map[string]enumspb.TaskQueueType{taskQueue: enumspb.TASK_QUEUE_TYPE_WORKFLOW}
		for _, transport := range flows.Transports() {
			queues[workflows.SourceTaskQueue(taskQueue, transport)] = enumspb.TASK_QUEUE_TYPE_ACTIVITY
		}
		for _, queue := range slices.Sorted(maps.Keys(queues)) {
			workers, err := pollers(ctx, temporal, queue, queues[queue])
			c.report(text.Sprintf("Task queue %s", queue), text.Sprintf("pollers: %d", workers), err)
		}
		c.accounts(ctx, temporal, settings, settingsOK)
		c.workerFlows(ctx, temporal, taskQueue, flows)
	}
	// Last, since many orders take a while.
	if source != nil && c.days > 0 {
		for _, name := range sortedNames(flows) {
			c.seenCodes(ctx, source, flows[name])
		}
	}
}

// accounts checks that the task queue belongs to the accounts of the settings. If these
// are not complete, it compares those that are set.
func (c *checks) accounts(ctx context.Context, temporal client.Client, settings config.Settings, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	bound, _, err := syncworker.BoundAccounts(ctx, temporal, settings.Worker.TaskQueue)
	found := text.Sprintf("none recorded yet; the first worker records its own")
	if bound != nil {
		found = bound.String()
		here := settings.Accounts()
		if !complete {
			here = here.Or(*bound)
		}
		err = syncworker.OtherAccounts(settings.Worker.TaskQueue, *bound, here)
	}
	c.report(text.Sprintf("Accounts"), found, err)
}

// workerFlows checks that the workers have the flows of these files.
func (c *checks) workerFlows(ctx context.Context, temporal client.Client, taskQueue string, flows flow.Flows) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	atWorkers, err := readWorkerFlows(ctx, temporal, taskQueue)
	if err != nil {
		c.report(text.Sprintf("Workers' flows"), "", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		err := atWorkers.differs(flows[name])
		if err != nil || len(atWorkers.versions(name)) > 0 {
			c.report(text.Sprintf("Workers' flow %s", name), text.Sprintf("version %s, the same as the file", flows[name].Version), err)
		}
	}
}

// currentVersion is the build ID of the version that new runs start on.
func currentVersion(ctx context.Context, c client.Client, deployment string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	described, err := c.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if isNotFound(err) {
		return "", text.Errorf("the server has none of this name; start a worker with the same REFUNDSYNC_DEPLOYMENT_NAME")
	}
	if err != nil {
		return "", err
	}
	current := described.Info.RoutingConfig.CurrentVersion
	if current == nil {
		return "", text.Errorf("no version is the current one, so workers get no tasks; set one with temporal worker deployment set-current-version, see docs/upgrades.md")
	}
	return current.BuildID, nil
}

// describeEncryption says whether Temporal gets clear text.
func describeEncryption(keys encryption.Keys) string {
	switch {
	case len(keys) == 0:
		return text.Sprintf("nothing is encrypted in Temporal")
	case !keys.Encrypt():
		return text.Sprintf("no longer encrypting in Temporal, decrypting with %s", keys[1:])
	}
	described := text.Sprintf("encrypting in Temporal with key %s, decrypting with %s", keys[0], keys)
	if keys.ClearText() {
		return text.Sprintf("%s; clear text is still read: remove none once the old content has expired", described)
	}
	return described
}

// robots checks the settings of the flows' robots. It sends nothing; alerts test does.
func (c *checks) robots(flows flow.Flows) {
	count := 0
	for _, f := range flows {
		count += len(f.Alerts.Robots)
	}
	if count > 0 {
		_, err := syncworker.Robots(config.FromProcess(), flows)
		c.report(text.Sprintf("Alert robots"), text.Sprintf("%d, settings complete", count), err)
	}
}

// systems checks that both systems can be reached and let us in, with the calls that the
// sync makes. It gives the client of Jushuitan; nil if orders can't be read.
func (c *checks) systems(ctx context.Context, settings config.Settings, temporal client.Client, flows flow.Flows) *jushuitan.Client {
	source, ledger, err := syncworker.Clients(settings, temporal)
	if !c.report(text.Sprintf("Clients"), text.Sprintf("ready"), err) {
		return nil
	}
	readable := true
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		found, err := askSource(ctx, source, flows[name])
		readable = c.report(text.Sprintf("Jushuitan (%s)", name), found, err) && readable
	}
	c.kingdee(ctx, ledger, flows)
	if !readable {
		return nil
	}
	return source
}

// askSource asks for the orders of the last minute.
func askSource(ctx context.Context, source *jushuitan.Client, f *flow.Flow) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	now := time.Now()
	page, err := source.List(ctx, f.Source.Interface, f.Source.Page(now.Add(-time.Minute), now, 1))
	return text.Sprintf("signature accepted; orders in the last minute: %d; %s", page.DataCount, describeClock(page.Clock)), err
}

// describeClock compares the source's clock with this machine's.
func describeClock(clock jushuitan.Clock) string {
	switch {
	case !clock.Known():
		return text.Sprintf("its clock is unknown, because replies have no Date")
	case clock.Ahead() == 0:
		return text.Sprintf("its clock agrees with this machine's")
	}
	return text.Sprintf("its clock differs from this machine's: %s", clock.Text())
}

// pollers counts the workers that poll a task queue.
func pollers(ctx context.Context, temporal client.Client, queue string, kind enumspb.TaskQueueType) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	described, err := temporal.DescribeTaskQueue(ctx, queue, kind)
	if err != nil {
		return 0, err
	}
	if count := len(described.GetPollers()); count > 0 {
		return count, nil
	}
	return 0, text.Errorf("no worker polls it; start one, and make sure that REFUNDSYNC_TASK_QUEUE and TEMPORAL_NAMESPACE are the same for both")
}
