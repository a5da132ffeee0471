package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/shadow"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
)

type reportOptions struct {
	console
	reportView
	service string
	url     string
}

// A reportView is how a report is shown.
type reportView struct {
	output string
	all    bool
	strict bool
}

// reportFlags adds the flags that say how a report is shown.
func (o *reportView) reportFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "show what is the same, too, in full")
	f.BoolVar(&o.strict, "strict", false, "let what differs by design count as well")
	addOutputFlag(cmd, &o.output, "a table", "json", "yaml")
}

func newMigrateReportCommand() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show what an agent that looks on at Argo CD has found",
		Long: `Show where the verdict of an agent that runs with --shadow differs from the status
that Argo CD has written: revision, sync status, health, object by object, and what a
sync of ours would change, field by field. What differs on purpose is named as such;
what Argo CD has not looked at since is pending, and no difference yet.

The agent is asked through the API server's proxy of its Service, which takes the right
to get services/proxy, or at --url.

Exit status: 0 nothing differs but by design, 1 something differs or is pending, 2 it
cannot be told.`,
		Example: `  tidelock migrate report
  tidelock migrate report -o json | jq '.applications[] | select(.outcome == "Differs")'
  tidelock migrate report --url http://127.0.0.1:8080`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			report, err := o.ask(cmd.Context())
			if err != nil {
				return &exitStatus{exitUnknown, err}
			}
			return o.show(cmd.OutOrStdout(), report)
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "tidelock:http", "`SERVICE:PORT` of the agent")
	f.StringVar(&o.url, "url", "", "`ADDRESS` at which the agent listens, in place of the API server's proxy")
	o.reportFlags(cmd)
	return cmd
}

// reportTimeout bounds the wait for an agent's answer.
const reportTimeout = time.Minute

// ask gets the report of an agent.
func (o *reportOptions) ask(ctx context.Context) (report shadow.Report, err error) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	var text []byte
	if o.url != "" {
		text, err = fetched(ctx, strings.TrimSuffix(o.url, "/")+"/shadow")
	} else {
		text, err = o.proxied(ctx)
	}
	if err != nil {
		return report, fmt.Errorf("ask the agent for its report: %w", err)
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return report, fmt.Errorf("read the agent's report: %w", err)
	}
	return report, nil
}

func (o *reportOptions) proxied(ctx context.Context) ([]byte, error) {
	r, err := o.connect()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(r.cfg)
	if err != nil {
		return nil, err
	}
	text, err := client.CoreV1().RESTClient().Get().Namespace(o.namespace).Resource("services").Name(o.service).SubResource("proxy").Suffix("shadow").DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w (hint: tidelock migrate prints how to install an agent that looks on; without one: tidelock migrate check)", err)
	}
	return text, err
}

// maxReport is more than the report of many thousand Applications has.
const maxReport = 256 << 20

func fetched(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s (hint: does the agent run with --shadow?)", url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReport+1))
	if len(text) > maxReport {
		err = errors.New("the report is too long")
	}
	return text, err
}

// show prints a report, and answers by the exit status.
func (o *reportView) show(out io.Writer, report shadow.Report) error {
	if o.output != "" {
		if err := encode(out, o.output, report); err != nil {
			return err
		}
	} else {
		o.print(newScreen(out), report)
	}
	if !report.Summary.Agrees() || o.strict && report.Summary.ByDesign > 0 || report.Refused > 0 {
		return &exitStatus{code: exitDiffers}
	}
	return nil
}

func (o *reportView) print(s *screen, r shadow.Report) {
	rows := [][]string{{"APPLICATION", "OUTCOME", "SYNC", "HEALTH", "REVISION", "CHANGES"}}
	for _, a := range r.Applications {
		rows = append(rows, []string{
			a.Namespace + "/" + a.Name, string(a.Outcome), eachSays(a.Ours.Sync, a.Theirs.Sync), eachSays(a.Ours.Health, a.Theirs.Health),
			eachSays(revisionsOf(a.Ours), revisionsOf(a.Theirs)), fmt.Sprint(changing(a)),
		})
	}
	s.table(rows)
	for _, a := range r.Applications {
		if o.all || a.Outcome != shadow.Same || changing(a) > 0 {
			o.printApplication(s, a)
		}
	}
	for _, set := range r.Sets {
		if o.all || set.Outcome != shadow.Same {
			printSet(s, set)
		}
	}
	s.line("\n%d the same, %d differ by design, %d pending, %d differ", r.Summary.Same, r.Summary.ByDesign, r.Summary.Pending, r.Summary.Differs)
	if r.Refused > 0 {
		s.line("%s %d requests would have written, and were not sent: please report this", s.paint("bad", "REFUSED:"), r.Refused)
	}
}

// eachSays is what both say, or one behind the other, where they differ: ours first.
func eachSays[T ~string](ours, theirs T) string {
	if ours == theirs {
		return orDash(string(ours))
	}
	return orDash(string(ours)) + " / " + orDash(string(theirs))
}

func revisionsOf(side shadow.Side) string {
	shown := make([]string, len(side.Revisions))
	for i, r := range side.Revisions {
		shown[i] = short(r)
	}
	return strings.Join(shown, ",")
}

// changing counts the objects that a sync of ours would change, beside its marks.
func changing(a shadow.Application) (n int) {
	for _, c := range a.Changes {
		if len(c.Fields) > 0 || c.Verdict == "create" || c.Verdict == "extra" {
			n++
		}
	}
	return n
}

func (o *reportView) printApplication(s *screen, a shadow.Application) {
	s.line("\n%s", s.paint("head", fmt.Sprintf("%s/%s: %s", a.Namespace, a.Name, a.Outcome)))
	if a.Why != "" {
		s.line("  not comparable yet: %s", oneLine(a.Why))
	}
	for _, part := range []struct {
		word string
		list []shadow.Difference
	}{{"differs", a.Differences}, {"pending", a.Pending}, {"", a.ByDesign}} {
		for _, d := range part.list {
			s.line("  %s", oneLine(strings.TrimSpace(part.word+" "+d.String())))
		}
	}
	for _, c := range a.Ours.Conditions {
		s.line("  we say %s: %s", c.Type, oneLine(c.Message))
	}
	for _, c := range a.Changes {
		s.line("  a sync would %s", oneLine(changeText(c)))
		for _, f := range c.Fields {
			s.line("    %s", oneLine(f.String()))
		}
		for _, h := range c.Ignored {
			s.line("    %s", s.paint("aside", oneLine(h.String())))
		}
	}
}

// verbs of verdicts, as they are told of what would be done.
var verdictVerbs = map[string]string{
	"create": "make", "update": "change", "drift": "change back", "extra": "delete, if it prunes,", "refused": "be refused", "foreign": "leave alone", "same": "not touch", "ask": "perhaps change",
}

func changeText(c shadow.Change) string {
	text := cmp.Or(verdictVerbs[string(c.Verdict)], string(c.Verdict)) + " " + c.Object
	if c.Unmarked {
		text += ", which is nobody's yet"
	}
	if c.Error != "" {
		text += ": " + c.Error
	}
	return text
}

func printSet(s *screen, set shadow.Set) {
	s.line("\n%s", s.paint("head", fmt.Sprintf("ApplicationSet %s/%s: %s", set.Namespace, set.Name, set.Outcome)))
	for _, part := range []struct {
		verb  string
		names []string
	}{{"make", set.Create}, {"change", set.Update}, {"delete", set.Delete}} {
		if len(part.names) > 0 {
			s.line("  we would %s %s", part.verb, strings.Join(part.names, ", "))
		}
	}
	if set.Held != "" {
		s.line("  we would hold it: %s", oneLine(set.Held))
	}
	if set.Error != "" {
		s.line("  %s", oneLine(set.Error))
	}
}
