package monitoring

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// The format of tests.yaml is promtool's, as far as it is used.
type suite struct {
	RuleFiles []string       `yaml:"rule_files"`
	Interval  model.Duration `yaml:"evaluation_interval"`
	Tests     []test         `yaml:"tests"`
}

type test struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Series   []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Alerts []expectation `yaml:"alert_rule_test"`
}

type expectation struct {
	At     model.Duration `yaml:"eval_time"`
	Name   string         `yaml:"alertname"`
	Alerts []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

func readSuite(t *testing.T) suite {
	t.Helper()
	file, err := os.Open("tests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var s suite
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAlerts plays the series of tests.yaml to the rules, as promtool does.
func TestAlerts(t *testing.T) {
	s := readSuite(t)
	for _, tt := range s.Tests {
		t.Run(tt.Name, func(t *testing.T) { play(t, tt, time.Duration(s.Interval)) })
	}
}

// TestAlertsCovered: of each alert there is a case in which it fires, and one in which
// it does not.
func TestAlertsCovered(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, tt := range readSuite(t).Tests {
		for _, e := range tt.Alerts {
			fires[e.Name] = fires[e.Name] || len(e.Alerts) > 0
			silent[e.Name] = silent[e.Name] || len(e.Alerts) == 0
		}
	}
	for _, rule := range alertRules(t) {
		if name := rule.Name(); !fires[name] || !silent[name] {
			t.Errorf("%s: fires in a case: %v, is silent in another: %v", name, fires[name], silent[name])
		}
	}
}

func alertRules(t *testing.T) []*rules.AlertingRule {
	t.Helper()
	groups, errs := rulefmt.ParseFile("rules.yaml", false, model.LegacyValidation, promQL, promslog.NewNopLogger())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []*rules.AlertingRule
	for _, r := range groups.Groups[0].Rules {
		expr, err := promQL.ParseExpr(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor),
			labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", false, promslog.NewNopLogger()))
	}
	return all
}

// play evaluates the rules minute by minute, and looks at the alerts when a case says.
func play(t *testing.T, tt test, every time.Duration) {
	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", tt.Interval)
	for _, series := range tt.Series {
		fmt.Fprintf(&load, "  %s %s\n", series.Series, series.Values)
	}
	storage := promqltest.LoadedStorage(t, load.String())
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	query := rules.EngineQueryFunc(engine, storage)
	last := slices.MaxFunc(tt.Alerts, func(a, b expectation) int { return int(a.At - b.At) })
	all := alertRules(t)
	for at := time.Duration(0); at <= time.Duration(last.At); at += every {
		for _, rule := range all {
			if _, err := rule.Eval(t.Context(), 0, time.Unix(0, 0).Add(at).UTC(), query, nil, 0); err != nil {
				t.Fatalf("%s: %v", rule.Name(), err)
			}
		}
		for _, e := range tt.Alerts {
			if time.Duration(e.At) == at {
				e.check(t, all)
			}
		}
	}
}

// check compares what an alert says.
func (e expectation) check(t *testing.T, all []*rules.AlertingRule) {
	t.Helper()
	i := slices.IndexFunc(all, func(r *rules.AlertingRule) bool { return r.Name() == e.Name })
	if i < 0 {
		t.Fatalf("no alert %s", e.Name)
	}
	var got, want []string
	for _, alert := range all[i].ActiveAlerts() {
		if alert.State == rules.StateFiring {
			own := labels.NewBuilder(alert.Labels).Del(labels.AlertName).Labels()
			got = append(got, own.String()+" "+alert.Annotations.String())
		}
	}
	for _, alert := range e.Alerts {
		want = append(want, labels.FromMap(alert.Labels).String()+" "+labels.FromMap(alert.Annotations).String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s at %s: got\n%s\nwant\n%s", e.Name, e.At, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
