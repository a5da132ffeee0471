package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/window"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// A server stores one Application, as the API server does.
type server struct {
	mu      sync.Mutex // guards all below
	app     *api.Application
	project *api.AppProject
	patches int
	fail    error // of the next write
}

// An observer sees the server as a watch does: it may be behind.
type observer struct {
	*server
	known *api.Application
}

func (o *observer) List() []*api.Application { return []*api.Application{o.known} }
func (o *observer) Application(string, string) *api.Application {
	return o.known
}
func (o *observer) Project(string) (*api.AppProject, error) {
	if o.project == nil {
		return nil, errors.New("no such project")
	}
	return o.project, nil
}
func (o *observer) Windows(string) (*window.Schedule, error) {
	if o.project == nil {
		return window.Compile(nil)
	}
	return window.Compile(o.project.Spec.SyncWindows)
}

func (o *observer) Patch(_ context.Context, _, name string, patch []byte) (*api.Application, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fail; err != nil {
		o.fail = nil
		return nil, err
	}
	var of struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(patch, &of); err != nil {
		return nil, err
	}
	if of.Metadata.ResourceVersion != o.app.ResourceVersion {
		o.known = o.app
		return nil, apierrors.NewConflict(schema.GroupResource{Resource: "applications"}, name, errors.New("another version"))
	}
	before, err := json.Marshal(o.app)
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return nil, err
	}
	now := &api.Application{}
	if err := json.Unmarshal(after, now); err != nil {
		return nil, err
	}
	o.patches++
	now.ResourceVersion = o.next()
	o.app, o.known = now, now
	return now, nil
}

func (s *server) next() string {
	version, _ := strconv.Atoi(s.app.ResourceVersion)
	return strconv.Itoa(version + 1)
}

// set stores another state of the Application.
func (s *server) set(t *testing.T, text string) (was, now *api.Application) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, now = s.app, application(t, text)
	if was != nil {
		now.ResourceVersion = s.next()
		if notified := was.Annotations[api.AnnotationNotified]; notified != "" {
			now.Annotations[api.AnnotationNotified] = notified
		}
	}
	s.app = now
	return was, now
}

// A bench is a notifier at work, whose messages are only noted.
type bench struct {
	*Notifier
	*observer
	source  map[string]string
	version string

	mu     sync.Mutex // guards lines
	lines  []string
	woken  int
	ctx    context.Context
	cancel context.CancelFunc
}

func (b *bench) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, text)
}

// start starts one, which sees a server.
func start(t *testing.T, s *server) *bench {
	b := &bench{observer: &observer{server: s, known: s.app}, source: map[string]string{"service.webhook.hook": "url: http://127.0.0.1:1"}, version: "1"}
	b.Notifier = New(Options{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Store: b.observer, Commit: jane,
		Source:    func() (Source, string) { return Source{ConfigMap: b.source}, b.version },
		Wake:      func(types.NamespacedName) { b.woken++ },
		Record:    func(_ *api.Application, e event.Event) { b.note("event " + e.Reason + " " + e.Message) },
		Evaluated: func(string, bool) {},
		Delivered: func(trigger, service string, ok bool) {
			b.note(fmt.Sprint("delivered ", trigger, " ", service, " ", ok))
		},
	})
	b.post = newPost(func(ctx context.Context, l *letter) error {
		n, err := l.config.Render(ctx, l.Vars, l.To, l.Templates)
		if err == nil {
			first, _, _ := strings.Cut(n.Message, "\n")
			b.note(first)
			return nil
		}
		return &permanent{err}
	}, b.outcome)
	b.ctx, b.cancel = context.WithCancel(t.Context())
	go func() { _ = b.post.run(b.ctx, func() {}) }() // the test ticks itself
	t.Cleanup(b.cancel)
	return b
}

// see has the notifier hear of the newest state, and look between two passes.
func (b *bench) see(was, now *api.Application) string {
	b.known = now
	if was != nil {
		b.Turned(was, now)
	}
	return b.look()
}

func (b *bench) look() string {
	b.Between(b.ctx, types.NamespacedName{Namespace: "argocd", Name: "shop"})
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	text := strings.Join(b.lines, "\n")
	b.lines = nil
	return text
}

// state is an Application that subscribes, in a state.
func state(more string) string {
	return "metadata: {annotations: {notifications.argoproj.io/subscribe.on-synced.hook: '', notifications.argoproj.io/subscribe.on-sync-running.hook: '', notifications.argoproj.io/subscribe.on-window-opened.hook: ''}}\n" + more
}

const (
	syncedShop  = "Application shop was synced.\ndelivered on-synced hook true"
	runningShop = "running\ndelivered on-sync-running hook true"
)

func phase(phase, at string) string {
	return state(`
status:
  reconciledAt: "2026-11-24T12:00:09Z"
  operationState: {phase: ` + phase + `, startedAt: "2026-11-24T` + at + `Z", finishedAt: "2026-11-24T` + at + `Z", operation: {sync: {}}}`)
}

// running is a trigger of the administrator's.
func running(b *bench) {
	b.source["trigger.on-sync-running"] = "[{when: \"app.status.operationState?.phase == 'Running'\", send: [running]}]"
	b.source["template.running"] = "message: running"
	b.source["trigger.on-synced"] = Stock()["trigger.on-synced"]
	b.source["template.tidelock-synced"] = "message: Application {{.app.metadata.name}} was synced."
}

// TestOnce: an event is told once, by whatever agent, however often it looks.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		running(b)
		check(t, b.look(), "")
		check(t, b.see(s.set(t, phase("Succeeded", "12:00:00"))), syncedShop)
		check(t, b.look(), "")
		another := start(t, s) // or the same after kill -9
		running(another)
		check(t, another.look(), "")
		if s.patches != 1 {
			t.Errorf("%d writes", s.patches)
		}
		check(t, b.see(s.set(t, phase("Succeeded", "12:10:00"))), "") // the report is older than the end
		check(t, b.see(s.set(t, strings.Replace(phase("Succeeded", "12:10:00"), "12:00:09", "12:10:09", 1))), syncedShop)
	})
}

// TestAllThatHappened: what began and ended between two looks is told, in its order.
func TestAllThatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		running(b)
		b.Turned(s.set(t, phase("Running", "12:00:00")))
		check(t, b.see(s.set(t, phase("Succeeded", "12:00:00"))), runningShop+"\n"+syncedShop)
		if s.patches != 1 {
			t.Errorf("%d writes", s.patches)
		}
		b.Turned(s.set(t, strings.Replace(phase("Running", "12:20:00"), "12:00:09", "12:20:09", 1)))
		check(t, b.look(), "") // it has not been seen yet: the write finds another version
		check(t, b.see(nil, s.app), runningShop)
	})
}

// TestTwoAgents: of two that see the same at the same time one tells.
func TestTwoAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		a, b := start(t, s), start(t, s)
		running(a)
		running(b)
		was, now := s.set(t, phase("Succeeded", "12:00:00"))
		b.Turned(was, now)
		b.known = now
		check(t, a.see(was, now), syncedShop)
		b.known = now // b has not heard yet of what a has written
		check(t, b.look(), "")
		if b.woken != 1 {
			t.Errorf("it was woken %d times", b.woken)
		}
		check(t, b.look(), "")
	})
}

// TestWriteFails: nothing is sent before it is noted, and nothing forgotten.
func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		running(b)
		b.Turned(s.set(t, phase("Running", "12:00:00")))
		_, now := s.set(t, phase("Succeeded", "12:00:00"))
		s.fail = errors.New("no route to host")
		check(t, b.see(nil, now), "")
		b.tick()
		if b.woken != 1 {
			t.Error("nobody looks again")
		}
		check(t, b.look(), runningShop+"\n"+syncedShop)
	})
}

// TestNotMine: an agent tells nothing of Applications that are another's.
func TestNotMine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		running(b)
		mine := false
		b.Mine = func(types.NamespacedName) bool { return mine }
		b.Turned(s.set(t, phase("Running", "12:00:00")))
		_, now := s.set(t, phase("Succeeded", "12:00:00"))
		check(t, b.see(nil, now), "")
		if b.Wants(now, "x") {
			t.Error("it wants to know")
		}
		mine = true // taken over
		check(t, b.look(), syncedShop)
	})
}

// TestWhatKeepsOne: what cannot be told is told of once, and is told when it can be.
func TestWhatKeepsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, phase("Succeeded", "12:00:00"))
		b := start(t, s)
		running(b)
		delete(b.source, "service.webhook.hook")
		delete(b.source, "trigger.on-sync-running")
		text := b.look()
		for _, want := range []string{`there is no service "hook": write entry service.hook`, `there is no trigger "on-sync-running"`, "event NotificationFailed"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in %s", want, text)
			}
		}
		s.set(t, phase("Succeeded", "12:00:00"))
		check(t, b.see(nil, s.app), "")
		b.source, b.version = map[string]string{"service.webhook.hook": "url: http://127.0.0.1:1"}, "2"
		running(b)
		check(t, b.look(), syncedShop)
	})
}

// TestTemplateFails: it is told of, and not tried again.
func TestTemplateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, phase("Succeeded", "12:00:00"))
		b := start(t, s)
		running(b)
		b.source["template.tidelock-synced"] = "message: '{{fail \"it cannot be said\"}}'"
		text := b.look()
		if !strings.Contains(text, "delivered on-synced hook false") || !strings.Contains(text, "it cannot be said") || !strings.Contains(text, "event NotificationFailed on-synced to hook") {
			t.Error(text)
		}
		check(t, b.look(), "")
	})
}

// TestWindow: that a sync window opens is told of if something waited for it.
func TestWindow(t *testing.T) {
	const waits = `
status: {conditions: [{type: SyncWindowWarning, message: sync is denied, lastTransitionTime: "2026-11-24T11:00:00Z"}]}`
	const opened = "The sync window that Application shop waited for has opened.\ndelivered on-window-opened hook true"
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(waits))
		b := start(t, s)
		running(b)
		check(t, b.look(), "")
		check(t, b.see(s.set(t, state(""))), opened)
		check(t, b.look(), "")
		check(t, b.see(s.set(t, state(waits))), "")
		check(t, b.see(s.set(t, state(""))), "") // the same wait: it is told of once
		s.project = &api.AppProject{Spec: api.AppProjectSpec{SyncWindows: []api.SyncWindow{{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}}}}}
		s.set(t, state(strings.Replace(waits, "11:00:00", "11:30:00", 1)))
		b.see(nil, s.app)
		check(t, b.see(s.set(t, state(""))), "") // nothing waits any more, and the window is closed
	})
}

// TestProjectSubscribes: and with it all its Applications.
func TestProjectSubscribes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{project: &api.AppProject{}}
		_, app := s.set(t, strings.Replace(phase("Succeeded", "12:00:00"), "subscribe.", "ignored.", 3))
		b := start(t, s)
		running(b)
		check(t, b.look(), "")
		s.project.Annotations = map[string]string{annotationOne + "on-synced.hook": ""}
		check(t, b.look(), syncedShop)
		b.source["subscriptions"], b.version = "[{recipients: ['other:x'], triggers: [on-synced]}]", "2"
		b.source["service.webhook.other"] = "url: http://127.0.0.1:1"
		check(t, b.look(), "Application shop was synced.\ndelivered on-synced other true")
		if !b.Wants(app, "m1") || b.Wants(app, "m1") || b.Wants(app, "") || !b.Wants(app, "m1") {
			t.Error("what is found is wanted once, until nothing is")
		}
	})
}

// TestTimed: a trigger that depends on the time is asked again though nothing happens.
func TestTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		running(b)
		b.look()
		b.tick()
		if b.woken != 0 {
			t.Error("it is looked at in vain")
		}
		b.source["trigger.on-sync-running"], b.version = "[{when: 'time.Now().Hour() >= 3', send: [running]}]", "2"
		b.tick()
		if b.woken != 1 {
			t.Error("nobody looks again")
		}
		time.Sleep(time.Hour) // synctest begins at midnight
		check(t, b.look(), "")
		time.Sleep(3 * time.Hour)
		check(t, b.look(), runningShop)
		check(t, b.look(), "")
	})
}

// TestFoundIsForgotten: what was found before an operation says nothing of the next.
func TestFoundIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.set(t, state(""))
		b := start(t, s)
		b.Found(s.app, Found{Restarts: []string{"x"}})
		name := types.NamespacedName{Namespace: "argocd", Name: "shop"}
		b.look()
		if len(b.of(name).found.Restarts) == 0 {
			t.Error("it is forgotten before the operation")
		}
		b.see(s.set(t, phase("Succeeded", "12:00:00")))
		if len(b.of(name).found.Restarts) > 0 {
			t.Error("it is still known")
		}
		b.known = nil
		b.look()
		if len(b.apps) > 0 {
			t.Error("an Application that is gone is remembered")
		}
	})
}
