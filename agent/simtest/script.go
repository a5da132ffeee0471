package simtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"sigs.k8s.io/yaml"
)

// A script is a world that does what a text says, and says what happens. Each
// step of a controller takes a second and each request a millisecond, so that
// times are exact. The verbs:
//
//	application NAME            the body is a patch of its metadata and spec
//	project                     the body is the spec of AppProject default
//	commit NAME                 the body is what Git states from now on
//	operation NAME              the body is the operation that somebody asks for
//	terminate NAME              ends the running operation
//	edit KIND/NAME              the body is a merge patch
//	delete KIND/NAME
//	annotate NAME KEY VALUE     on an Application
//	fault N KIND METHOD PATH    the next N such requests, to a path that ends so;
//	                            KIND as in wire.go, with _ for spaces
//	pace STEP KIND/NAME TIME    how long rollout, run, gc or serve takes, or an event
//	                            of the object is on its way (lag)
//	start, kill                 the engine
//	deaf                        its watches hear nothing more
//	relist                      its watches end, and cannot go on where they were
//	run TIME                    lets time go by, and prints what happens
//	status NAME                 prints what the Application says
type script struct {
	*world
	begun time.Time

	mu     sync.Mutex // guards all below
	lines  []happening
	told   map[string]string        // what an Application said last
	paces  map[string]time.Duration // by step and object
	faults []planned
}

// A happening is a line of what run prints.
type happening struct {
	at   time.Time
	text string
}

// planned are requests that will go wrong.
type planned struct {
	left         int
	kind         fault
	method, path string
}

func newScript(ctx context.Context) *script {
	s := &script{begun: time.Now(), told: map[string]string{}, paces: map[string]time.Duration{}}
	s.world = newWorld(ctx, 0, kube.Options{
		Delay: s.pace,
		Fate:  func(o *kube.Object) kube.Fate { return kube.Fate(fateOf(o)) },
		Lag:   func(o *kube.Object) time.Duration { return s.paced("lag", o, 5*time.Millisecond) }, // after the answer to who wrote
	}, time.Second)
	s.latency = func(string) time.Duration { return time.Millisecond }
	s.faulty = s.fault
	s.also = s.changed
	return s
}

func (s *script) pace(step string, o *kube.Object) time.Duration {
	return s.paced(step, o, time.Second)
}

func (s *script) paced(step string, o *kube.Object, otherwise time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, ok := s.paces[step+" "+o.Kind.Kind+"/"+o.Name]; ok {
		return d
	}
	return otherwise
}

func (s *script) fault(r *http.Request, _ uint64) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.faults {
		if p.left > 0 && r.Method == p.method && strings.HasSuffix(r.URL.Path, p.path) {
			s.faults[i].left--
			return p.kind
		}
	}
	return none
}

// changed notes what the engine does, and what its Applications come to say.
func (s *script) changed(c kube.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.After != nil && c.After.Kind.Kind == "Application" {
		app := asApplication(c.After)
		if text := operationOf(app); text != s.told[app.Name] {
			s.told[app.Name] = text
			s.lines = append(s.lines, happening{time.Now(), app.Name + ": " + text})
		}
		return
	}
	if c.By == agentName && c.Verb != "gone" && !ends(c) {
		s.lines = append(s.lines, happening{time.Now(), c.Verb + " " + nameFor(c)})
	}
}

// ends says that a change is a part of a deletion: the mark of it, or a finalizer
// that is let go.
func ends(c kube.Change) bool {
	return c.Verb == "update" && c.After.Deleting() &&
		(!c.Before.Deleting() || len(finalizersOf(c.After)) < len(finalizersOf(c.Before)))
}

func finalizersOf(o *kube.Object) []any {
	meta, _ := o.Body["metadata"].(map[string]any)
	list, _ := meta["finalizers"].([]any)
	return list
}

func nameFor(c kube.Change) string {
	o := c.After
	if o == nil {
		o = c.Before
	}
	return o.Kind.Kind + "/" + o.Name
}

// operationOf says how far the last operation of an Application is.
func operationOf(app *api.Application) string {
	op := app.Status.OperationState
	if op == nil {
		return "no operation"
	}
	text := string(op.Phase)
	if op.Operation.InitiatedBy.Automated {
		text = "automatic, " + text
	}
	if len(op.Operation.Sync.Resources) > 0 {
		text = "partial, " + text
	}
	if op.Message != "" {
		text += ": " + op.Message
	}
	return text
}

// do carries out one verb, and returns what there is to print.
func (s *script) step(verb string, args []string, body string) (string, error) {
	switch verb {
	case "application":
		return "", s.makes(args[0], body)
	case "project":
		return "", s.project(body)
	case "commit":
		s.commit(args[0], body, 0)
	case "operation":
		return s.patches(appPath(args[0]), "operation:\n"+indented(body))
	case "terminate":
		return s.patches(appPath(args[0]), "status: {operationState: {phase: Terminating}}")
	case "annotate":
		return s.patches(appPath(args[0]), fmt.Sprintf("metadata: {annotations: {%s: %q}}", args[1], args[2]))
	case "edit":
		o, err := s.object(args[0])
		if err != nil {
			return "", err
		}
		return s.patches(pathOf(o), body)
	case "delete":
		o, err := s.object(args[0])
		if err != nil {
			return "", err
		}
		s.do("kubectl", http.MethodDelete, pathOf(o), "", nil)
	case "fault":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		s.faults = append(s.faults, planned{n, fault(strings.ReplaceAll(args[1], "_", " ")), args[2], args[3]})
		s.mu.Unlock()
	case "pace":
		d, err := time.ParseDuration(args[2])
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		s.paces[args[0]+" "+args[1]] = d
		s.mu.Unlock()
	case "start":
		s.boot(nil)
	case "kill":
		s.current().kill()
	case "deaf":
		s.server.Freeze(agentName)
	case "relist":
		s.server.Expire()
		s.server.Cut(agentName)
	case "run":
		return s.runs(args[0])
	case "status":
		return s.says(args[0])
	default:
		return "", fmt.Errorf("no such verb: %s", verb)
	}
	return "", nil
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

func (s *script) makes(name, body string) error {
	var err error
	s.application(name, func(app *api.Application) { err = yaml.Unmarshal([]byte(body), app) })
	return err
}

func (s *script) project(body string) error {
	raw, err := yaml.YAMLToJSON([]byte("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default}\nspec:\n" + indented(body)))
	if err != nil {
		return err
	}
	s.do("world", http.MethodPost, "/apis/argoproj.io/v1alpha1/namespaces/"+agentNamespace+"/appprojects", "application/json", string(raw))
	return nil
}

// patches sends a merge patch, and prints what the server has against it.
func (s *script) patches(path, body string) (string, error) {
	raw, err := yaml.YAMLToJSON([]byte(body))
	if err != nil {
		return "", err
	}
	answer, code := s.do("kubectl", http.MethodPatch, path, mergePatch, string(raw))
	if code >= http.StatusBadRequest {
		return fmt.Sprint(answer["message"], "\n"), nil
	}
	return "", nil
}

func (s *script) object(name string) (*kube.Object, error) {
	for _, o := range s.server.All() {
		if o.Kind.Kind+"/"+o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("there is no %s", name)
}

// runs prints what happens in some time: in seconds since the script began, what
// happens in the same millisecond in the order of its words.
func (s *script) runs(d string) (string, error) {
	duration, err := time.ParseDuration(d)
	if err != nil {
		return "", err
	}
	time.Sleep(duration) //nolint:forbidigo // of the bubble: nothing waits
	s.mu.Lock()
	lines := s.lines
	s.lines = nil
	s.mu.Unlock()
	slices.SortStableFunc(lines, func(a, b happening) int {
		if n := a.at.Truncate(time.Millisecond).Compare(b.at.Truncate(time.Millisecond)); n != 0 {
			return n
		}
		return strings.Compare(a.text, b.text)
	})
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%ds %s\n", int(l.at.Sub(s.begun).Seconds()), l.text)
	}
	return b.String(), nil
}

// says prints the Application's status in a few lines.
func (s *script) says(name string) (string, error) {
	app := s.app(name)
	if app == nil {
		return "", fmt.Errorf("there is no Application %s", name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", app.Status.Sync.Status, app.Status.Health.Status)
	for _, c := range app.Status.Conditions {
		fmt.Fprintf(&b, "%s: %s\n", c.Type, c.Message)
	}
	if op := app.Status.OperationState; op != nil && op.SyncResult != nil {
		for _, r := range op.SyncResult.Resources {
			text := strings.Join(strings.Fields(fmt.Sprint(r.Kind+"/"+r.Name, " ", r.SyncPhase, " ", r.HookType, " ", r.Status, " ", r.HookPhase)), " ")
			fmt.Fprintf(&b, "  %s\n", text)
		}
	}
	for _, h := range app.Status.History {
		fmt.Fprintf(&b, "history %d: %.7s\n", h.ID, h.Revision)
	}
	return b.String(), nil
}

// play plays a text: stanzas of a verb, a body and, below ----, what was printed.
// It returns the text as it should be.
func play(ctx context.Context, text string) (string, []string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := newScript(ctx)
	defer s.end()
	var out strings.Builder
	for _, stanza := range strings.Split(strings.TrimSpace(text), "\n\n") {
		asked, _, _ := strings.Cut(stanza, "\n----")
		comments, command := "", asked
		for strings.HasPrefix(command, "#") {
			line, rest, _ := strings.Cut(command, "\n")
			comments, command = comments+line+"\n", rest
		}
		head, body, _ := strings.Cut(command, "\n")
		words := strings.Fields(head)
		if len(words) == 0 {
			fmt.Fprintf(&out, "%s\n", comments)
			continue
		}
		printed, err := s.step(words[0], words[1:], body)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", head, err)
		}
		fmt.Fprintf(&out, "%s%s\n", comments, strings.TrimRight(command, "\n"))
		if printed != "" || words[0] == "run" || words[0] == "status" {
			fmt.Fprintf(&out, "----\n%s", printed)
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n", s.failures, nil
}
