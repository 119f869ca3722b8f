package e2e

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// box runs the programs as the image's container does: with nothing but the image's
// content, read-only, and as a user that owns nothing.
type box struct {
	*world
	image string
}

// boxScript mounts the image's content over itself, read-only, in a mount namespace that
// ends with the program. Every container has a /proc.
const boxScript = `mount --bind "$BOX" "$BOX" && mount -o remount,ro,bind "$BOX" && mount --bind /proc "$BOX/proc" && exec chroot --userspec=65532:65532 "$BOX" "$@"`

// imageVersion is REFUNDSYNC_VERSION of docker-compose.yml.
const imageVersion = "v1.2.3"

func newBox(t *testing.T, w *world) box {
	t.Helper()
	// A mount namespace needs root, which a developer usually is not.
	if os.Getuid() != 0 {
		t.Skip("only root may mount and change the root folder")
	}
	image := t.TempDir()
	// Other users must be able to enter it.
	require.NoError(t, os.Chmod(filepath.Dir(image), 0o755))
	build := exec.Command("../deploy/image/build.sh", image, imageVersion)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Mkdir(filepath.Join(image, "proc"), 0o755))
	return box{w, image}
}

func (b box) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command("unshare", append([]string{"--mount", "/bin/sh", "-c", boxScript, "sh", "/" + program}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BOX=" + b.image}
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// run runs a program in the box until it ends.
func (b box) run(program string, args ...string) (string, error) {
	out, err := b.command(program, args...).CombinedOutput()
	return string(out), err
}

func TestImageRunsReadOnlyAsNobody(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	w := newWorld(t, simulator.Options{Orders: 60})
	b := newBox(t, w)
	b.env["REFUNDSYNC_FLOWS"] = "/flows"
	b.env["REFUNDSYNC_HTTP_ADDRESS"] = testkit.FreeAddress(t)

	for _, program := range []string{"worker", "starter", "simulator"} {
		file, err := elf.Open(filepath.Join(b.image, program))
		require.NoError(t, err)
		for _, segment := range file.Progs {
			require.NotEqual(t, elf.PT_INTERP, segment.Type, "%s is not static", program)
		}
		require.NoError(t, file.Close())
	}
	out, err := b.run("worker", "--version")
	require.NoError(t, err, out)
	require.Contains(t, out, "worker version "+imageVersion+" (")
	out, err = b.run("simulator", "--env-file", "/environment")
	require.Error(t, err)
	require.Contains(t, out, "read-only file system")

	out, err = b.run("worker", "healthcheck")
	require.Error(t, err, "no worker is there yet")
	require.Contains(t, out, "connection refused")
	worker := testkit.Start(t, `"polling"`, b.command("worker"))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", worker.PID()))
	require.NoError(t, err)
	require.Contains(t, string(status), "\nUid:\t65532\t65532\t65532\t65532\n")
	require.Contains(t, string(status), "\nCapEff:\t0000000000000000\n")
	testkit.Wait(t, "the worker is healthy", func() bool {
		_, err := b.run("worker", "healthcheck")
		return err == nil
	})

	cmd := b.command("starter", append([]string{"run", "--wait", "-o", "json"}, w.rangeFlags()...)...)
	stdout, err := cmd.Output()
	require.Error(t, err, "each merchant has orders that can't be saved")
	require.Equal(t, 3, cmd.ProcessState.ExitCode(), "%s", stdout)
	var r result
	require.NoError(t, json.Unmarshal(stdout, &r))
	requireTruth(t, w, r)
	worker.Terminate(t)
}
