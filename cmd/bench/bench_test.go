package main

import (
	"bytes"
	"encoding/json"
	"math"
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
	if got.Slowest != 3 {
		t.Errorf("got %v as what 99 of 100 do not exceed, want 3", got.Slowest)
	}
	if got.Scenario != "one" || got.Wall != 2 || got.CPU != 2 || got.Memory != 30 || got.Requests != 8 {
		t.Errorf("got %+v, want medians and the highest memory", got)
	}
}

// The fit of what is as a model says is the model.
func TestFit(t *testing.T) {
	want := model{Base: 30 << 20, Application: 20 << 10, Object: 3 << 10}
	var prints []footprint
	for _, s := range stages(1000) {
		objects := s.applications*objectsPerService + s.richer*s.further
		prints = append(prints, footprint{Applications: s.applications, Objects: objects, Heap: int64(want.bytes(s.applications, objects))})
	}
	got := fit(prints)
	for _, is := range [][2]float64{{got.Base, want.Base}, {got.Application, want.Application}, {got.Object, want.Object}} {
		if math.Abs(is[0]-is[1]) > 1 {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	var out strings.Builder
	if err := printMemory(&out, 1, prints); err != nil || !strings.Contains(out.String(), "30.0 MiB, and 20.0 KiB for each Application, and 3.00 KiB for each object") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// A small bench, with all that a large one has.
func TestBench(t *testing.T) {
	binaries, err := testenv.Build(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := chooseScenarios("cold,all,one,drift,idle,start")
	if err != nil {
		t.Fatal(err)
	}
	for i := range chosen {
		chosen[i].times = min(chosen[i].times, 2)
	}
	r := report{Services: 2, Replicas: 2}
	if r.Machine, err = describeMachine(t.Context(), binaries); err != nil {
		t.Fatal(err)
	}
	o := options{services: r.Services, replicas: r.Replicas, idle: time.Second}
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
	if lines := strings.Count(table.String(), "\n"); lines != 4+1+1+len(chosen)+4 {
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
