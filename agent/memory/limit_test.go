package memory

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no cgroups", nil, 0},
		{"v2, a container's own", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2147483648\n"}, 2147483648},
		{"v2 without a limit", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"v2, the machine's", map[string]string{"proc/self/cgroup": "0::/user.slice/session.scope\n"}, 0},
		{"v2, nested", map[string]string{
			"proc/self/cgroup":                             "0::/kubepods.slice/pod1/agent\n",
			"sys/fs/cgroup/kubepods.slice/memory.max":      "8000000000\n",
			"sys/fs/cgroup/kubepods.slice/pod1/memory.max": "1000000000\n", "sys/fs/cgroup/kubepods.slice/pod1/agent/memory.max": "max\n",
		}, 1000000000},
		{"v1, a container's own", map[string]string{
			"proc/self/cgroup":                           "12:cpu,cpuacct:/\n9:memory:/kubepods/pod1/agent\n1:name=systemd:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, 1073741824},
		{"v1 without a limit", map[string]string{
			"proc/self/cgroup": "9:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		{"both, and the limit is v1's", map[string]string{
			"proc/self/cgroup": "9:memory:/\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "512000000\n",
		}, 512000000},
		{"rubbish", map[string]string{"proc/self/cgroup": "memory\n\n0::\n", "sys/fs/cgroup/memory.max": "a lot\n"}, 0},
		{"out of the mount", map[string]string{"proc/self/cgroup": "0::/../../etc\n", "etc/memory.max": "1\n", "sys/fs/cgroup/memory.max": "7000000\n"}, 7000000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range tt.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := Limit(root); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestObey: what a person has said counts before the cgroup.
func TestObey(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "100MiB")
	debug.SetMemoryLimit(math.MaxInt64)
	Obey()
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		t.Error("GOMEMLIMIT does not count")
	}
	t.Setenv("GOMEMLIMIT", "")
	limit := Obey()
	if now := debug.SetMemoryLimit(-1); limit > 0 && now != int64(share*float64(limit)) || limit == 0 && now != math.MaxInt64 {
		t.Errorf("the limit is %d, and the collector's %d", limit, now)
	}
}
