package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

func TestChooseScenarios(t *testing.T) {
	for list, want := range map[string]string{
		"idle,one": "cold one idle",
		"cold":     "cold",
		"drift":    "cold drift",
	} {
		chosen, err := chooseScenarios(list)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range chosen {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", list, got, want)
		}
	}
	for _, list := range []string{"", "cold,warm", "one,"} {
		if _, err := chooseScenarios(list); err == nil {
			t.Errorf("%q: want an error", list)
		}
	}
}

func TestSummary(t *testing.T) {
	runs := []Result{
		{Wall: 3, CPU: 1, Memory: 10, Requests: 7},
		{Wall: 1, CPU: 3, Memory: 30, Requests: 9},
		{Wall: 2, CPU: 2, Memory: 20, Requests: 8},
	}
	got := summary("one", runs)
	if got.Scenario != "one" || got.Wall != 2 || got.CPU != 2 || got.Memory != 30 || got.Requests != 8 {
		t.Errorf("got %+v, want medians and the highest memory", got)
	}
}

// A small bench, with all that a large one has.
func TestBench(t *testing.T) {
	binaries, err := testenv.Build(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := chooseScenarios("cold,all,one,drift,idle")
	if err != nil {
		t.Fatal(err)
	}
	r := report{Services: 2}
	if r.Machine, err = describeMachine(t.Context(), binaries); err != nil {
		t.Fatal(err)
	}
	o := options{services: r.Services, idle: time.Second}
	results, err := measureOnce(t.Context(), o, binaries, t.TempDir(), chosen)
	if err != nil {
		t.Fatal(err)
	}
	r.Runs = [][]Result{results}
	r.summarize()
	for _, result := range r.Results {
		if result.Wall == 0 || result.Memory == 0 || result.Scenario != "idle" && result.Requests == 0 {
			t.Errorf("measured nothing: %+v", result)
		}
	}
	var table bytes.Buffer
	if err := r.print(&table); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(table.String(), "\n"); lines != 4+1+1+len(chosen)+3 {
		t.Errorf("the report has %d lines:\n%s", lines, &table)
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if err := r.writeJSON(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	var again report
	if err != nil || json.Unmarshal(content, &again) != nil || len(again.Results) != len(chosen) {
		t.Errorf("%s, %v", content, err)
	}
}
