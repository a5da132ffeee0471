package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// report is all that a run of the bench found out.
type report struct {
	Machine  machine    `json:"machine"`
	Services int        `json:"services"`
	Replicas int        `json:"replicas"`
	Shared   bool       `json:"sharedNamespace"`
	Results  []Result   `json:"results"` // medians of Runs
	Runs     [][]Result `json:"runs"`
}

// machine is what the numbers depend on.
type machine struct {
	Cores      int    `json:"cores"`
	Processor  string `json:"processor"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	Tidelock   string `json:"tidelock"`
	Kubernetes string `json:"kubernetes"`
}

func describeMachine(ctx context.Context, binaries testenv.Binaries) (machine, error) {
	m := machine{Cores: runtime.NumCPU(), Processor: processor(), Kernel: kernel(), Go: runtime.Version()}
	for binary, version := range map[string]*string{binaries.Tidelock: &m.Tidelock, binaries.Devcluster: &m.Kubernetes} {
		out, err := exec.CommandContext(ctx, binary, "version").Output()
		if err != nil {
			return machine{}, fmt.Errorf("%s version: %w", binary, err)
		}
		*version = strings.TrimSpace(string(out))
	}
	return m, nil
}

// processor is the name that Linux has for it, or else the architecture.
func processor() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(content)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	content, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return runtime.GOOS + " " + strings.TrimSpace(string(content))
}

// summarize fills in the medians over all runs.
func (r *report) summarize() {
	for i, first := range r.Runs[0] {
		var same []Result
		for _, run := range r.Runs {
			same = append(same, run[i])
		}
		r.Results = append(r.Results, summary(first.Scenario, same))
	}
}

func (r *report) writeJSON(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// besides says what stands in the table beside the requests.
const besides = `Beside them: Applications of which a commit changed nothing name it, spread over a minute.`

// peers is how long others need for the same work, measured on two cores too.
const peers = `For comparison, the peers on two cores, 100 services: cold 23-42 s; all 43-57 s, 63-81 CPU s;
one 11-27 s, 17-39 CPU s; drift 0.33 s; 240-1,650 MiB. The API server alone takes the 400 applies in 0.3-1.0 s.`

func (r *report) print(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%d cores, %s, %s\n%s\n%s\n", m.Cores, m.Processor, m.Kernel, m.Tidelock, m.Kubernetes)
	where := "a namespace each"
	if r.Shared {
		where = "in one namespace"
	}
	fmt.Fprintf(w, "%d services of %d objects, %s; %d replica(s), %d run(s)\n\n", r.Services, objectsPerService, where, r.Replicas, len(r.Runs))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	ofOne := "" // what the replica needs that needs most
	if r.Replicas > 1 {
		ofOne = "of one\t"
	}
	fmt.Fprintf(table, "scenario\twall s\tp99 s\tCPU s\t%speak MiB\t%swithout plugins\tAPI requests\tbeside\tcontrol plane CPU s\t\n", ofOne, ofOne)
	for _, result := range r.Results {
		var cpu, memory string
		if r.Replicas > 1 {
			cpu, memory = fmt.Sprintf("%.2f\t", result.CPUOfOne.Seconds()), fmt.Sprintf("%d\t", result.MemoryOfOne>>20)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s%d\t%s%d\t%d\t%d\t%.2f\t\n", result.Scenario, result.Wall.Seconds(), result.Slowest.Seconds(), result.CPU.Seconds(), cpu,
			result.Memory>>20, memory, result.Agent>>20, result.Requests, result.Beside, result.ControlPlane.Seconds())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s\n", besides, peers)
	return err
}
