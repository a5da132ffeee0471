package shard

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

// What stands in a Lease beside who holds it.
const (
	// LabelMember is on each replica's Lease.
	LabelMember       = "tidelock.io/replica"
	annotationPlace   = "tidelock.io/place"
	annotationAddress = "tidelock.io/address"
	annotationPrint   = "tidelock.io/certificate"
	annotationRoom    = "tidelock.io/room-for"
	annotationLeaving = "tidelock.io/leaving"
)

// namespaceLeases are those of one namespace.
type namespaceLeases struct {
	client coordinationv1client.LeaseInterface
	term   time.Duration
}

// InNamespace returns the Leases of a namespace, good for a term each.
func InNamespace(cfg *rest.Config, namespace string, term time.Duration) (Leases, error) {
	client, err := coordinationv1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("client for Leases: %w", err)
	}
	return namespaceLeases{client.Leases(namespace), term}, nil
}

func (l namespaceLeases) Create(ctx context.Context, m Member) (Member, error) {
	lease := &coordinationv1.Lease{}
	now := metav1.NowMicro()
	lease.Spec.AcquireTime = &now
	if err := l.write(lease, m); err != nil {
		return Member{}, err
	}
	made, err := l.client.Create(ctx, lease, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // of a try whose answer was lost: the name is new
		made, err = l.client.Get(ctx, m.ID, metav1.GetOptions{})
	}
	if err != nil {
		return Member{}, fmt.Errorf("make Lease %s: %w", m.ID, err)
	}
	return read(made), nil
}

// write makes a Lease be of a member, renewed just now.
func (l namespaceLeases) write(lease *coordinationv1.Lease, m Member) error {
	room, err := json.Marshal(m.Room)
	if err != nil {
		return fmt.Errorf("word for whom there is room: %w", err)
	}
	lease.Name = m.ID
	lease.ResourceVersion = m.Version
	lease.Labels = map[string]string{LabelMember: "true"}
	lease.Annotations = map[string]string{
		annotationPlace: m.Place, annotationAddress: m.Address, annotationPrint: m.Print, annotationRoom: string(room),
	}
	if m.Leaving != nil {
		word, err := json.Marshal(worded(*m.Leaving))
		if err != nil {
			return fmt.Errorf("word the farewell: %w", err)
		}
		lease.Annotations[annotationLeaving] = string(word)
	}
	now := metav1.NowMicro()
	lease.Spec.HolderIdentity, lease.Spec.RenewTime = &m.ID, &now
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(l.term / time.Second)) //nolint:gosec // some seconds
	return nil
}

// A last word as a Lease has it.
type lastWord struct {
	At    []string `json:"at,omitempty"`
	Seen  Marks    `json:"seen,omitempty"`
	Among []string `json:"among,omitempty"`
}

func worded(l Leaving) lastWord {
	word := lastWord{Seen: l.Seen, Among: l.Among}
	for _, app := range l.At {
		word.At = append(word.At, app.String())
	}
	return word
}

// readWord reads a last word; nil if it is none, or makes no sense.
func readWord(text string) *Leaving {
	var word lastWord
	if text == "" || json.Unmarshal([]byte(text), &word) != nil {
		return nil
	}
	l := &Leaving{Seen: word.Seen, Among: word.Among}
	for _, app := range word.At {
		namespace, name, ok := strings.Cut(app, "/")
		if !ok {
			return nil
		}
		l.At = append(l.At, types.NamespacedName{Namespace: namespace, Name: name})
	}
	return l
}

// read returns the member of a Lease. Who cannot be made sense of has made no room, and
// does not leave.
func read(lease *coordinationv1.Lease) Member {
	m := Member{
		ID: lease.Name, Version: lease.ResourceVersion, Place: lease.Annotations[annotationPlace],
		Address: lease.Annotations[annotationAddress], Print: lease.Annotations[annotationPrint],
		Leaving: readWord(lease.Annotations[annotationLeaving]),
	}
	if d := lease.Spec.LeaseDurationSeconds; d != nil {
		m.Term = time.Duration(*d) * time.Second
	}
	if json.Unmarshal([]byte(lease.Annotations[annotationRoom]), &m.Room) != nil {
		m.Room = nil
	}
	return m
}

func (l namespaceLeases) Renew(ctx context.Context, m Member) (Member, error) {
	lease := &coordinationv1.Lease{}
	if err := l.write(lease, m); err != nil {
		return Member{}, err
	}
	made, err := l.client.Update(ctx, lease, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) { // after a try whose answer was lost: nobody else writes it
		var now *coordinationv1.Lease
		if now, err = l.client.Get(ctx, m.ID, metav1.GetOptions{}); err == nil {
			lease.ResourceVersion = now.ResourceVersion
			made, err = l.client.Update(ctx, lease, metav1.UpdateOptions{})
		}
	}
	switch {
	case apierrors.IsNotFound(err):
		return Member{}, errGone
	case err != nil:
		return Member{}, fmt.Errorf("renew Lease %s: %w", m.ID, err)
	}
	return read(made), nil
}

func (l namespaceLeases) Delete(ctx context.Context, m Member) error {
	var options metav1.DeleteOptions
	if m.Version != "" {
		options.Preconditions = &metav1.Preconditions{ResourceVersion: &m.Version}
	}
	err := l.client.Delete(ctx, m.ID, options)
	switch {
	case apierrors.IsNotFound(err):
		return errGone
	case apierrors.IsConflict(err):
		return errChanged
	case err != nil:
		return fmt.Errorf("delete Lease %s: %w", m.ID, err)
	}
	return nil
}

// Follow begins with a list that has all that was made before it was asked for: it
// must not be one of a cache that lags.
func (l namespaceLeases) Follow(ctx context.Context, to Follower) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector, options.ResourceVersion, options.ResourceVersionMatch = LabelMember, "", ""
			return l.client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = LabelMember
			return l.client.Watch(ctx, options)
		},
	}
	cache.NewReflectorWithOptions(lw, &coordinationv1.Lease{}, told{to}, cache.ReflectorOptions{}).RunWithContext(ctx)
}

// told is a Follower as a cache.ReflectorStore.
type told struct{ Follower }

func (t told) Add(obj any) error    { t.Seen(read(obj.(*coordinationv1.Lease))); return nil }
func (t told) Update(obj any) error { return t.Add(obj) }
func (t told) Resync() error        { return nil }

func (t told) Delete(obj any) error {
	t.Deleted(read(obj.(*coordinationv1.Lease)))
	return nil
}

func (t told) Replace(list []any, _ string) error {
	all := make([]Member, len(list))
	for i, obj := range list {
		all[i] = read(obj.(*coordinationv1.Lease))
	}
	t.Listed(all)
	return nil
}
