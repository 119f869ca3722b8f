package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/syncworker"
	"refundsync/workflows"
)

// checkTimeout bounds each check.
const checkTimeout = 30 * time.Second

func newCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "检查设置、流程、两个系统、签名和 worker check settings, flows, both systems, signatures and the worker",
		Long: `逐项检查，每项一行，失败时说明该怎么办；不写入任何数据。全部通过退出码为 0，否则为 1。
Checks one thing a line and says what to do where it fails; writes nothing. It ends with 0 if all is well, else with 1.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := &checks{out: cmd.OutOrStdout()}
			c.all(cmd.Context())
			if c.failed {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
}

// checks does one check after the other, and leaves out those that stand on
// one that failed.
type checks struct {
	out    io.Writer
	failed bool
}

// report prints a check and returns whether it passed.
func (c *checks) report(what, found string, err error) bool {
	if err == nil {
		fmt.Fprintf(c.out, "✓ %s: %s\n", what, found)
		return true
	}
	c.failed = true
	fmt.Fprintf(c.out, "✗ %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", "\n    "))
	return false
}

// note prints what is no failure, and yet to be looked at.
func (c *checks) note(what, text string) {
	fmt.Fprintf(c.out, "! %s: %s\n", what, strings.ReplaceAll(text, "\n", "\n    "))
}

func (c *checks) all(ctx context.Context) {
	settings, settingsErr := config.FromProcess().Load()
	settingsOK := c.report("设置 settings", "完整 complete, "+describeEncryption(settings.Encryption), settingsErr)

	flows, err := flowfile.LoadFolder(settings.Worker.Flows)
	flowsOK := c.report("流程 flows", strings.Join(slices.Sorted(maps.Keys(flows)), ", "), err)
	c.robots(flows)

	if settingsOK && flowsOK {
		c.systems(ctx, settings, flows)
	}
	temporal, err := dial()
	if c.report("Temporal", "已连接 connected", err) {
		defer temporal.Close()
		if name := settings.Worker.DeploymentName; name != "" {
			current, err := currentVersion(ctx, temporal, name)
			c.report("Worker Deployment "+name, "当前版本 current version: "+current, err)
		}
		for _, queue := range []struct {
			name string
			kind enumspb.TaskQueueType
		}{
			{settings.Worker.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW},
			{workflows.SourceTaskQueue(settings.Worker.TaskQueue), enumspb.TASK_QUEUE_TYPE_ACTIVITY},
		} {
			workers, err := pollers(ctx, temporal, queue.name, queue.kind)
			c.report("任务队列 task queue "+queue.name, fmt.Sprintf("%d 个轮询者 pollers", workers), err)
		}
		c.accounts(ctx, temporal, settings, settingsOK)
		c.workerFlows(ctx, temporal, settings.Worker.TaskQueue, flows)
	}
}

// accounts checks that the task queue belongs to the accounts of the settings; where
// these are not complete, what there is of them.
func (c *checks) accounts(ctx context.Context, temporal client.Client, settings config.Settings, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	bound, _, err := syncworker.BoundAccounts(ctx, temporal, settings.Worker.TaskQueue)
	found := "还没有记下，由第一个 worker 记下 none are kept yet; the first worker keeps its own"
	if bound != nil {
		found = bound.String()
		here := settings.Accounts()
		if !complete {
			here = here.Or(*bound)
		}
		err = syncworker.OtherAccounts(settings.Worker.TaskQueue, *bound, here)
	}
	c.report("账号 accounts", found, err)
}

// workerFlows checks that the workers have the flows of these files.
func (c *checks) workerFlows(ctx context.Context, temporal client.Client, taskQueue string, flows flow.Flows) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	atWorkers, err := readWorkerFlows(ctx, temporal, taskQueue)
	if err != nil {
		c.report("worker 的流程 the workers' flows", "", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		err := atWorkers.differs(flows[name])
		if err != nil || len(atWorkers.versions(name)) > 0 {
			c.report("worker 的流程 flow of the workers "+name, "版本 version "+flows[name].Version+"，与文件相同 as in the file", err)
		}
	}
}

// currentVersion gives the build id of the version that gets new runs.
func currentVersion(ctx context.Context, c client.Client, deployment string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	described, err := c.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if isNotFound(err) {
		return "", errors.New("服务器没有它；启动设置了同一 REFUNDSYNC_DEPLOYMENT_NAME 的 worker。 The server knows none of this name: start a worker with the same setting")
	}
	if err != nil {
		return "", err
	}
	current := described.Info.RoutingConfig.CurrentVersion
	if current == nil {
		return "", errors.New("还没有当前版本，worker 领不到任务；见 docs/upgrades.md，用 temporal worker deployment set-current-version 设置。 No version is the current one, so workers get no tasks; make one so, see docs/upgrades.md")
	}
	return current.BuildID, nil
}

// describeEncryption says whether Temporal is given clear text.
func describeEncryption(keys encryption.Keys) string {
	switch {
	case len(keys) == 0:
		return "未加密 nothing is encrypted in Temporal"
	case !keys.Encrypt():
		return fmt.Sprintf("不再加密 nothing more is encrypted in Temporal，可解密 decrypting %s", keys[1:])
	}
	text := fmt.Sprintf("加密，密钥 encrypted in Temporal by key %s，可解密 decrypting %s", keys[0], keys)
	if keys.ClearText() {
		text += "；仍读明文，旧内容过期后请去掉 none clear text is read too: take none away once the old content is gone"
	}
	return text
}

// robots checks the settings of the robots that the flows name. It sends them
// nothing; alerts test does.
func (c *checks) robots(flows flow.Flows) {
	count := 0
	for _, f := range flows {
		count += len(f.Alerts.Robots)
	}
	if count > 0 {
		_, err := syncworker.Robots(config.FromProcess(), flows)
		c.report("告警机器人 robots", fmt.Sprintf("%d 个，设置完整 with complete settings", count), err)
	}
}

// systems checks that both systems can be reached and let us in, with the very
// calls that the sync makes.
func (c *checks) systems(ctx context.Context, settings config.Settings, flows flow.Flows) {
	source, ledger, err := syncworker.Clients(settings)
	if !c.report("客户端 clients", "就绪 ready", err) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		found, err := askSource(ctx, source, flows[name])
		c.report("聚水潭 Jushuitan ("+name+")", found, err)
	}
	c.kingdee(ctx, ledger, flows)
}

// askSource asks for the orders of the last minute.
func askSource(ctx context.Context, source *jushuitan.Client, f *flow.Flow) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	now := time.Now().In(beijing.Zone)
	params := maps.Clone(f.Source.Parameters)
	params["page_index"] = "1"
	params["start_time"] = now.Add(-time.Minute).Format("2006-01-02 15:04:05")
	params["end_time"] = now.Format("2006-01-02 15:04:05")
	params["is_get_total"] = "true"
	page, err := source.RefundList(ctx, params)
	return fmt.Sprintf("签名通过，最近一分钟 %d 单 the signature is accepted; %[1]d orders in the last minute; %s", page.DataCount, describeClock(page.Clock)), err
}

// describeClock says whether the source's clock and this machine's agree.
func describeClock(clock jushuitan.Clock) string {
	switch {
	case !clock.Known():
		return "回复没有 Date，不知道它的时钟 no Date, so its clock is not known"
	case clock.Ahead() == 0:
		return "时钟一致 the clocks agree"
	}
	return "时钟不一致 the clocks are apart: " + clock.String()
}

// pollers counts the workers that ask a task queue for work.
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
	return 0, errors.New("没有 worker 在轮询；启动 worker，并核对两边的 REFUNDSYNC_TASK_QUEUE 与 TEMPORAL_NAMESPACE。 No worker polls it: start one, and see that both have the same settings")
}
