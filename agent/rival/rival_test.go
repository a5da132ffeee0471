package rival_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rival"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// managed are the fields of a status, by who has written them.
const managed = `
metadata:
  name: shop
  managedFields:
  - {manager: %s, operation: Update, fieldsType: FieldsV1, fieldsV1: {f:status: {.: {}, f:reconciledAt: {}, f:sync: {f:status: {}}}}}
  - {manager: %s, operation: Update, fieldsType: FieldsV1, fieldsV1: {f:status: {f:conditions: {}}}}
status: {controllerNamespace: argocd, reconciledAt: "2026-11-26T11:58:00Z"}
`

func TestOf(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"new", `metadata: {name: shop}`, "{Theirs:false Namespace: At:0001-01-01 00:00:00 +0000 UTC}"},
		{"Argo CD's", fmt.Sprintf(managed, rival.Manager, "tidelock"), "{Theirs:true Namespace:argocd At:2026-11-26 11:58:00 +0000 UTC}"},
		{"ours, though Argo CD has written something", fmt.Sprintf(managed, "tidelock", rival.Manager), "{Theirs:false Namespace:argocd At:2026-11-26 11:58:00 +0000 UTC}"},
		{"a person's", fmt.Sprintf(managed, "kubectl-edit", "tidelock"), "{Theirs:false Namespace:argocd At:2026-11-26 11:58:00 +0000 UTC}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			if err := yaml.UnmarshalStrict([]byte(tt.text), app); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time of what is kept
				look := rival.Of(app)
				look.At = look.At.UTC()
				if got := fmt.Sprintf("%+v", look); got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
				app.ManagedFields = rival.Kept(app.ManagedFields)
			}
			if kept := len(app.ManagedFields); kept > 1 || kept == 1 && !rival.Of(app).Theirs {
				t.Errorf("%d entries are kept", kept)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	const patience = 4 * time.Minute
	for _, tt := range []struct {
		name  string
		look  rival.Look
		state rival.State
		want  string
	}{
		{"ours", rival.Look{At: noon}, rival.Runs, "free"},
		{"new, and nobody else runs", rival.Look{}, rival.Unseen, "free"},
		{"new, and another has stopped", rival.Look{}, rival.Stopped, "free"},
		{"new, and another runs", rival.Look{}, rival.Runs, "held 15s runs"},
		{"theirs, and it runs", rival.Look{Theirs: true, At: noon.Add(-time.Hour)}, rival.Runs, "held 15s runs"},
		{"theirs, and it has stopped", rival.Look{Theirs: true, At: noon}, rival.Stopped, "free"},
		{"theirs just now, and it is not seen", rival.Look{Theirs: true, At: noon}, rival.Unseen, "held 15s lately"},
		{"theirs by another clock", rival.Look{Theirs: true, At: noon.Add(time.Minute)}, rival.Unseen, "held 15s lately"},
		{"theirs for nearly too long", rival.Look{Theirs: true, At: noon.Add(-patience)}, rival.Unseen, "held 1s lately"},
		{"theirs for too long", rival.Look{Theirs: true, At: noon.Add(-patience - time.Second)}, rival.Unseen, "free"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := rival.Judge(tt.look, tt.state, patience, noon)
			got := "free"
			if v.Held {
				got = fmt.Sprintf("held %s", v.Again)
				for _, word := range []string{"runs", "lately"} {
					if strings.Contains(v.Why, word) {
						got += " " + word
					}
				}
			}
			if got != tt.want || v.Held != (v.Why != "") {
				t.Errorf("%s (%+v), want %s", got, v, tt.want)
			}
		})
	}
}

func TestLookout(t *testing.T) {
	meta := func(namespace, name, label, component string) metav1.ObjectMeta {
		labels := map[string]string{"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": label}
		if component != "" {
			labels["app.kubernetes.io/component"] = component
		}
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}
	}
	set := func(namespace, name, label, component string, wanted *int32, there int32) runtime.Object {
		return &appsv1.StatefulSet{ObjectMeta: meta(namespace, name, label, component), Spec: appsv1.StatefulSetSpec{Replicas: wanted}, Status: appsv1.StatefulSetStatus{Replicas: there}}
	}
	none, one := new(int32(0)), new(int32(1))
	for _, tt := range []struct {
		name    string
		objects []runtime.Object
		want    rival.State
	}{
		{"its other controller", []runtime.Object{set("argocd", "argocd-applicationset-controller", "argocd-applicationset-controller", "applicationset-controller", one, 1)}, rival.Unseen},
		{"nothing", nil, rival.Unseen},
		{"in another namespace", []runtime.Object{set("elsewhere", "argocd-application-controller", "argocd-application-controller", "", one, 1)}, rival.Unseen},
		{"another part", []runtime.Object{&appsv1.Deployment{ObjectMeta: meta("argocd", "argocd-server", "argocd-server", "server")}}, rival.Unseen},
		{"by Argo CD's manifests", []runtime.Object{set("argocd", "argocd-application-controller", "argocd-application-controller", "application-controller", one, 1)}, rival.Runs},
		{"without a number", []runtime.Object{set("argocd", "argocd-application-controller", "argocd-application-controller", "", nil, 0)}, rival.Runs},
		{"by the operator", []runtime.Object{set("argocd", "gitops-application-controller", "gitops-application-controller", "", one, 0)}, rival.Runs},
		{"a Deployment", []runtime.Object{&appsv1.Deployment{ObjectMeta: meta("argocd", "a", "a", "application-controller"), Spec: appsv1.DeploymentSpec{Replicas: one}}}, rival.Runs},
		{"scaled to nothing", []runtime.Object{set("argocd", "a", "argocd-application-controller", "", none, 0)}, rival.Stopped},
		{"scaled to nothing, and its Pod ends", []runtime.Object{set("argocd", "a", "argocd-application-controller", "", none, 1)}, rival.Runs},
		{"one of two", []runtime.Object{set("argocd", "a", "argocd-application-controller", "", one, 1), set("argocd", "b", "x-application-controller", "", none, 0)}, rival.Runs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			lookout := rival.NewLookout(client.AppsV1(), client.CoordinationV1(), func() time.Time { return noon })
			for range 2 {
				if got := lookout.State(t.Context(), "argocd", noon.Add(-time.Second)); got != tt.want {
					t.Errorf("%v, want %v", got, tt.want)
				}
			}
			if asked := len(client.Actions()); asked != 2 {
				t.Errorf("%d requests, want 2", asked)
			}
		})
	}
}

// TestSetState: the two controllers are told apart, by the same requests.
func TestSetState(t *testing.T) {
	of := func(name string, replicas int32) runtime.Object {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name}},
			Spec:       appsv1.DeploymentSpec{Replicas: &replicas},
		}
	}
	client := fake.NewClientset(of("argocd-application-controller", 0), of("argocd-applicationset-controller", 1))
	lookout := rival.NewLookout(client.AppsV1(), client.CoordinationV1(), func() time.Time { return noon })
	before := noon.Add(-time.Second)
	if app, set := lookout.State(t.Context(), "argocd", before), lookout.SetState(t.Context(), "argocd", before); app != rival.Stopped || set != rival.Runs {
		t.Errorf("%v and %v", app, set)
	}
	if asked := len(client.Actions()); asked != 2 {
		t.Errorf("%d requests, want 2", asked)
	}
}

// TestRefused: without the right to look nothing is seen, and what was seen is looked at
// again after a while, or when Argo CD has looked since.
func TestRefused(t *testing.T) {
	client, refuse, now := fake.NewClientset(), true, noon
	client.PrependReactor("list", "*", func(k8stesting.Action) (bool, runtime.Object, error) {
		if refuse {
			return true, nil, errors.New("forbidden")
		}
		return true, &appsv1.StatefulSetList{Items: []appsv1.StatefulSet{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/component": "application-controller"}}}}}, nil
	})
	client.PrependReactor("list", "deployments", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, &appsv1.DeploymentList{}, nil
	})
	lookout := rival.NewLookout(client.AppsV1(), client.CoordinationV1(), func() time.Time { return now })
	for _, step := range []struct {
		after time.Duration
		want  rival.State
		look  time.Duration
	}{{0, rival.Unseen, -time.Second}, {time.Second, rival.Unseen, -time.Second}, {2 * time.Second, rival.Runs, time.Second}, {20 * time.Second, rival.Runs, 0}} {
		now = noon.Add(step.after)
		if got := lookout.State(context.Background(), "argocd", noon.Add(step.look)); got != step.want {
			t.Errorf("after %s: %v, want %v", step.after, got, step.want)
		}
		refuse = false
	}
}

// TestLookEnds: who waits for another's look does not for longer than it may, and a look
// that was called off says nothing to others.
func TestLookEnds(t *testing.T) {
	client := fake.NewClientset(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "a", Labels: map[string]string{"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/component": "application-controller"}},
	})
	asked, answer := make(chan struct{}), make(chan struct{})
	client.PrependReactor("list", "statefulsets", func(k8stesting.Action) (bool, runtime.Object, error) {
		asked <- struct{}{}
		<-answer
		return false, nil, nil
	})
	lookout := rival.NewLookout(client.AppsV1(), client.CoordinationV1(), func() time.Time { return noon })
	first, endFirst := context.WithCancel(t.Context())
	looked := make(chan rival.State)
	go func() { looked <- lookout.State(first, "argocd", noon.Add(-time.Second)) }()
	<-asked
	second, endSecond := context.WithCancel(t.Context())
	endSecond()
	if got := lookout.State(second, "argocd", noon.Add(-time.Second)); got != rival.Unseen {
		t.Errorf("who cannot wait sees %v", got)
	}
	endFirst()
	close(answer)
	if got := <-looked; got != rival.Unseen {
		t.Errorf("who was called off sees %v", got)
	}
	go func() { <-asked }()
	if got := lookout.State(t.Context(), "argocd", noon.Add(-time.Second)); got != rival.Runs {
		t.Errorf("the next one sees %v, want %v", got, rival.Runs)
	}
}
