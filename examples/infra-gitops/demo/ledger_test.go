package main

import "testing"

func TestCheckWaves(t *testing.T) {
	config := entry{app: "a", name: "ConfigMap/c", wave: -1, created: "10"}
	deployment := entry{app: "a", name: "Deployment/d", created: "20", available: "30"}
	for _, tt := range []struct {
		name    string
		entries []entry
		want    string // "" for an error
	}{
		{"in order", []entry{config, deployment, {app: "a", name: "Job/j", wave: 1, created: "31"}}, "wave -1: 1, wave 0: 1, wave 1: 1"},
		{"others do not matter", []entry{config, {app: "b", name: "Job/j", wave: 1, created: "5"}}, "wave -1: 1"},
		{"before the Deployment is available", []entry{config, deployment, {app: "a", name: "Job/j", wave: 1, created: "29"}}, ""},
		{"before an earlier wave", []entry{config, {app: "a", name: "Service/s", created: "9"}}, ""},
		{"never available", []entry{{app: "a", name: "Deployment/d", created: "2"}, {app: "a", name: "Job/j", wave: 1, created: "9"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &ledger{entries: map[string]entry{}}
			for _, e := range tt.entries {
				l.entries[e.app+e.name] = e
			}
			got, err := l.checkWaves("a")
			if (err != nil) != (tt.want == "") || err == nil && got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
