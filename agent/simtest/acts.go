package simtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

const mergePatch = string(types.MergePatchType)

// alien marks what somebody else has put in our way.
const alien = "simtest/alien"

// act chooses something that somebody does, or that befalls the engine. All
// choices are made now, so that the seed alone decides.
func (r *run) act() func() {
	app := pick(r.Rand, r.apps...)
	name := app + "-" + pick(r.Rand, "a", "b", "c", "d", "web", "db", "presync", "postsync", "sync")
	switch n := r.IntN(100); {
	case n < 28:
		yaml, news := r.writers[app].write(false), time.Duration(r.IntN(3000))*time.Millisecond
		if r.IntN(8) == 0 {
			news = 2 * time.Minute // no webhook: found when asked for
		}
		return func() { r.commit(app, yaml, news) }
	case n < 40:
		return r.edits(name, fmt.Sprintf(`{"data":{"v":"edited%d"},"spec":{"replicas":%d}}`, r.IntN(3), r.IntN(4)))
	case n < 48:
		policy := pick(r.Rand, "Background", "Foreground", "Orphan")
		return r.each(name, func(o *kube.Object) {
			r.do("kubectl", http.MethodDelete, pathOf(o), "application/json", map[string]any{"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy})
		})
	case n < 50:
		return r.handsOver(app)
	case n < 54:
		return r.edits(name, pick(r.Rand, `{"metadata":{"labels":{"tidelock.io/app":null}}}`,
			`{"metadata":{"annotations":{"argocd.argoproj.io/tracking-id":null}}}`,
			`{"metadata":{"annotations":{"argocd.argoproj.io/sync-wave":"7"}}}`))
	case n < 57:
		return r.edits(name, `{"metadata":{"annotations":{"seen-by":"another"},"labels":{"team":"a"}}}`)
	case n < 69:
		return r.asks(app)
	case n < 73:
		return r.terminates(app)
	case n < 78:
		return func() {
			if l := r.current(); l != nil {
				r.story.tell("world", "kill -9")
				l.kill()
			}
		}
	case n < 88:
		return r.blinds()
	case n < 92:
		return r.setting(app)
	case n < 93:
		return func() {
			r.do("kubectl", http.MethodPatch, appPath(app), mergePatch, `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard"}}}`)
		}
	case n < 94:
		return r.outage()
	case n < 97:
		return r.copies(name)
	}
	return r.intrudes(app)
}

func appPath(app string) string {
	return "/apis/argoproj.io/v1alpha1/namespaces/" + agentNamespace + "/applications/" + app
}

func pathOf(o *kube.Object) string {
	path := "/api/" + o.Kind.Version
	if o.Group != "" {
		path = "/apis/" + o.Group + "/" + o.Kind.Version
	}
	if o.Namespace != "" {
		path += "/namespaces/" + o.Namespace
	}
	return path + "/" + o.Resource + "/" + o.Name
}

// each does something to the objects of a name.
func (r *run) each(name string, do func(o *kube.Object)) func() {
	return func() {
		for _, o := range r.server.All() {
			if o.Name == name && o.Kind.Kind != "ReplicaSet" {
				do(o)
			}
		}
	}
}

func (r *run) edits(name, patch string) func() {
	return r.each(name, func(o *kube.Object) {
		text := patch
		if o.Kind.Kind == "ConfigMap" {
			text = strings.Split(patch, `,"spec"`)[0]
			if text != patch {
				text += "}"
			}
		} else if strings.HasPrefix(patch, `{"data"`) {
			text = `{"spec"` + strings.Split(patch, `,"spec"`)[1]
		}
		if o.Kind.Kind == "Job" && strings.Contains(text, "null") {
			return // what is left of a hook is then nobody's, and in the way until a person deletes it
		}
		if o.Kind.Kind != "Deployment" && strings.Contains(text, "replicas") {
			return
		}
		r.do("kubectl", http.MethodPatch, pathOf(o), mergePatch, text)
	})
}

// asks requests an operation.
func (r *run) asks(app string) func() {
	r.notes++
	note := fmt.Sprint(r.notes)
	op := &api.Operation{Sync: &api.SyncOperation{Prune: r.IntN(2) == 0}, Info: []api.Info{{Name: request, Value: note}}}
	if r.IntN(3) == 0 {
		op.Retry = api.Retry{Limit: int64(r.IntN(3))}
	}
	switch r.IntN(6) {
	case 0:
		op.Sync.DryRun = true
	case 1:
		op.Sync.SyncStrategy = &api.SyncStrategy{Apply: &api.SyncStrategyOptions{}}
	case 2:
		for _, name := range []string{"a", "b"} {
			op.Sync.Resources = append(op.Sync.Resources, api.SyncResource{Kind: "ConfigMap", Namespace: "shop", Name: app + "-" + name})
		}
	case 3:
		op.Sync.Revision = revision(0)
	}
	raw, err := utiljson.Marshal(map[string]any{"operation": op})
	must(err)
	return func() {
		if before := r.app(app); before != nil && before.Operation != nil {
			r.replaced(requestOf(before.Operation))
		}
		if _, code := r.do("kubectl", http.MethodPatch, appPath(app), mergePatch, string(raw)); code == http.StatusOK {
			r.request(note)
		}
	}
}

// terminates ends the running operation.
func (r *run) terminates(app string) func() {
	return func() {
		now := r.app(app)
		if now == nil || now.Status.OperationState == nil || now.Status.OperationState.Phase != api.OperationRunning {
			return
		}
		r.do("kubectl", http.MethodPatch, appPath(app), mergePatch, fmt.Sprintf(
			`{"metadata":{"resourceVersion":%q},"status":{"operationState":{"phase":"Terminating"}}}`, now.ResourceVersion))
	}
}

// blinds takes the engine's watches away.
func (r *run) blinds() func() {
	r.watchman.unheard = r.watchman.slack
	switch r.IntN(3) {
	case 0:
		return func() {
			r.story.tell("world", "the watches are cut")
			r.server.Cut(agentName)
		}
	case 1:
		return func() {
			r.story.tell("world", "the watches go silent")
			r.server.Freeze(agentName)
		}
	}
	return func() {
		r.story.tell("world", "the watches are cut, and cannot go on")
		r.server.Expire()
		r.server.Cut(agentName)
	}
}

// outage takes Git away for a while.
func (r *run) outage() func() {
	lasts := time.Duration(r.IntN(60)) * time.Second
	return func() {
		r.story.tell("world", "Git cannot be reached for %s", lasts)
		r.git.breaks(errUnreachable)
		time.AfterFunc(lasts, func() { r.git.breaks(nil) })
	}
}

// setting changes the Application's policy.
func (r *run) setting(app string) func() {
	field, value := pick(r.Rand, "enabled", "prune", "selfHeal"), r.IntN(2) == 0
	return func() {
		r.do("kubectl", http.MethodPatch, appPath(app), mergePatch,
			fmt.Sprintf(`{"spec":{"syncPolicy":{"automated":{%q:%v}}}}`, field, value))
	}
}

// copies makes an object that carries the marks of another, as operators do that
// copy objects from namespace to namespace.
func (r *run) copies(name string) func() {
	return r.each(name, func(o *kube.Object) {
		body := runtime.DeepCopyJSON(o.Body)
		meta, _ := body["metadata"].(map[string]any)
		body["metadata"] = map[string]any{"name": name + "-copy", "labels": meta["labels"], "annotations": meta["annotations"]}
		r.do("operator", http.MethodPost, strings.TrimSuffix(pathOf(o), "/"+o.Name), "application/json", body)
	})
}

// handsOver makes an object another application's, just before Git drops it here;
// half the time the engine is deaf to that.
func (r *run) handsOver(app string) func() {
	name, yaml := app+"-"+pick(r.Rand, "a", "b", "c", "d"), r.writers[app].write(false)
	deaf := r.IntN(2) == 0
	if deaf {
		r.watchman.unheard = r.watchman.slack
	}
	return func() {
		if deaf {
			r.story.tell("world", "the watches go silent")
			r.server.Freeze(agentName)
		}
		r.each(name, func(o *kube.Object) {
			if o.Kind.Kind == "ConfigMap" && ownerOf(o) == app {
				r.do("others", http.MethodPatch, pathOf(o), mergePatch, fmt.Sprintf(
					`{"metadata":{"labels":{%q:"theirs"},"annotations":{%q:"theirs:/ConfigMap:%s/%s",%q:"true"}}}`,
					api.LabelApp, api.AnnotationTrackingID, o.Namespace, name, alien))
			}
		})()
		r.commit(app, yaml, time.Millisecond)
	}
}

// intrudes puts an object of another application, or of nobody, where ours may want to be.
func (r *run) intrudes(app string) func() {
	kind, resource, name := "ConfigMap", "/api/v1/namespaces/shop/configmaps", app+"-"+pick(r.Rand, "a", "b", "c", "d")
	group := ""
	if r.IntN(3) == 0 {
		kind, group, name = "Job", "batch", app+"-"+pick(r.Rand, "presync", "postsync", "sync")
		resource = "/apis/batch/v1/namespaces/shop/jobs"
	}
	annotations := map[string]any{alien: "true"}
	labels := map[string]any{}
	if r.IntN(2) == 0 {
		annotations[api.AnnotationTrackingID] = "theirs:" + group + "/" + kind + ":shop/" + name
		labels[api.LabelApp] = "theirs"
	}
	body := map[string]any{"apiVersion": strings.TrimPrefix(group+"/v1", "/"), "kind": kind, "metadata": map[string]any{
		"name": name, "annotations": annotations, "labels": labels,
	}}
	if kind == "ConfigMap" {
		body["data"] = map[string]any{"alien": "true"}
	}
	return func() { r.do("others", http.MethodPost, resource, "application/json", body) }
}
