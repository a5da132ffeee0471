package event

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"

	"github.com/tidelock-io/tidelock/agent/api"
)

// component is who the Events are from.
const component = "tidelock"

// maxMessage is how long the API server lets a message be.
const maxMessage = 1024

// An Event is something that happened to an Application or an ApplicationSet, or that is
// wrong with a ConfigMap.
type Event struct {
	Warning bool
	// Reason is a word for machines: "SecretOpened".
	Reason string
	// Message is for people. It must hold nothing secret.
	Message string
}

// A Recorder writes Events. What is told of an Application at a great rate is
// counted up or left out, as client-go does. It may be used by several goroutines.
type Recorder struct {
	client  kubernetes.Interface
	pending chan told
	dropped func(Event)
}

type told struct {
	about *corev1.ObjectReference
	event Event
}

// queue is how many Events may wait to be written.
const queue = 1000

// remembered is of how many objects it is known which Events there were lately.
const remembered = 1000

// NewRecorder returns one that writes once it runs. Dropped is told of Events for
// which there was no room; it may be nil.
func NewRecorder(cfg *rest.Config, dropped func(Event)) (*Recorder, error) {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return newRecorder(client, dropped), nil
}

// Mute returns one that writes nothing.
func Mute() *Recorder { return &Recorder{dropped: func(Event) {}} }

func newRecorder(client kubernetes.Interface, dropped func(Event)) *Recorder {
	if dropped == nil {
		dropped = func(Event) {}
	}
	return &Recorder{client: client, pending: make(chan told, queue), dropped: dropped}
}

// Record has an Event written about an Application. It does not wait.
func (r *Recorder) Record(app *api.Application, e Event) {
	r.record(api.ApplicationKind, &app.ObjectMeta, e)
}

// RecordSet has an Event written about an ApplicationSet. It does not wait.
func (r *Recorder) RecordSet(set *api.ApplicationSet, e Event) {
	r.record(api.ApplicationSetKind, &set.ObjectMeta, e)
}

// RecordConfigMap has an Event written about a ConfigMap. It does not wait.
func (r *Recorder) RecordConfigMap(of *metav1.ObjectMeta, e Event) {
	r.about(corev1.SchemeGroupVersion.String(), "ConfigMap", of, e)
}

func (r *Recorder) record(kind string, of *metav1.ObjectMeta, e Event) {
	r.about(api.GroupVersion.String(), kind, of, e)
}

func (r *Recorder) about(version, kind string, of *metav1.ObjectMeta, e Event) {
	e.Message = clip(e.Message)
	about := &corev1.ObjectReference{
		APIVersion: version, Kind: kind,
		Namespace: of.Namespace, Name: of.Name, UID: of.UID, ResourceVersion: of.ResourceVersion,
	}
	select {
	case r.pending <- told{about, e}:
	default:
		r.dropped(e)
	}
}

// Run writes what is recorded until ctx ends. That they cannot be written is no
// error: client-go tries again, and logs it.
func (r *Recorder) Run(ctx context.Context) error {
	if r.client == nil {
		return nil
	}
	broadcaster := record.NewBroadcaster(record.WithContext(context.WithoutCancel(ctx)), record.WithCorrelatorOptions(record.CorrelatorOptions{LRUCacheSize: remembered}))
	sink := broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: r.client.CoreV1().Events("")})
	defer sink.Stop()
	defer broadcaster.Shutdown()
	recorder := broadcaster.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: component})
	for {
		select {
		case t := <-r.pending:
			kind := corev1.EventTypeNormal
			if t.event.Warning {
				kind = corev1.EventTypeWarning
			}
			recorder.Event(t.about, kind, t.event.Reason, t.event.Message)
		case <-ctx.Done():
			return nil
		}
	}
}

// clip cuts a message at the end of a character.
func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	const more = "…"
	cut := maxMessage - len(more)
	for !utf8.RuneStart(message[cut]) {
		cut--
	}
	return strings.TrimSpace(message[:cut]) + more
}
