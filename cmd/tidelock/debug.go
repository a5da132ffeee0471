package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/probe"
	"github.com/tidelock-io/tidelock/cmd/release"
)

// checkLoopback refuses an address that others than this machine, or this pod, reach:
// what is to be seen there may hold what is in memory.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is no address of the loopback device, such as 127.0.0.1:6060", address)
	}
	return nil
}

// debugMux is for whoever is on the same machine, or reaches it by kubectl
// port-forward.
func (p *parts) debugMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/state", p.showState)
	mux.HandleFunc("/debug/log-level", p.logLevel)
	return mux
}

// logLevel says the level of the log, or sets it to what is PUT.
func (p *parts) logLevel(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 100))
		level, parsed := parseLevel(string(text))
		if err != nil || parsed != nil {
			http.Error(w, "PUT debug, info, warn or error", http.StatusBadRequest)
			return
		}
		p.logs.set(level, "PUT /debug/log-level")
	}
	fmt.Fprintln(w, p.logs.level.Level())
}

// A state is what the agent knows of itself.
type state struct {
	Version   string        `json:"version"`
	Go        string        `json:"go"`
	Settings  []param       `json:"settings"`
	Ready     string        `json:"ready"`
	LogLevel  string        `json:"logLevel"`
	Memory    int64         `json:"memoryLimit"`
	Plugins   []string      `json:"plugins"`
	Processes int           `json:"pluginProcesses"`
	Clusters  []destination `json:"clusters"`
	Known     int           `json:"applications"`
	Looked    int           `json:"lookedAt"` // of the Applications, since the agent began
	Waiting   int           `json:"waiting"`  // for a look that is due
	Working   int           `json:"working"`  // looks that go on
}

// A param is a setting.
type param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from,omitempty"` // "" is the default
}

type destination struct {
	Server    string `json:"server"`
	Version   string `json:"version"`
	Connected bool   `json:"connected"`
	Kinds     int    `json:"kinds"`
	Objects   int    `json:"objects"`
}

// showState prints the state as JSON. No setting is a secret: those are in files.
func (p *parts) showState(w http.ResponseWriter, _ *http.Request) {
	ready, _ := probe.Run(p.ready()...)
	s := state{
		Version: release.Text(), Go: runtime.Version(), Ready: ready, LogLevel: p.logs.level.Level().String(), Memory: p.memory,
		Processes: len(p.host.PIDs()), Known: len(p.applications.List()), Looked: p.metrics.Looked(),
	}
	s.Waiting, s.Working = p.agent.Backlog()
	now := p.params.now.Load()
	now.flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			s.Settings = append(s.Settings, param{f.Name, f.Value.String(), now.from[f.Name]})
		}
	})
	for _, plugin := range p.host.list() {
		s.Plugins = append(s.Plugins, plugin.Name)
	}
	for _, c := range p.clusters() {
		s.Clusters = append(s.Clusters, destination{c.Server, c.Version, c.Connected, c.Kinds, c.Objects})
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(s) // who asked may be gone
}
