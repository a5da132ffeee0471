package simtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// fateAnnotation is how a manifest says how its object ends: see kube.Fate; "once"
// fails the first time only. A Deployment has it in its template, for another
// fate is another rollout.
const fateAnnotation = "simtest/fate"

// A writer writes what an Application states, commit after commit.
type writer struct {
	*rand.Rand
	dir     string
	defined bool            // it states a CustomResourceDefinition, and does for ever
	kept    map[string]bool // what says Prune=false, and is stated for ever
}

func (r *writer) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// write makes the YAML of one commit. In the last one nothing fails.
func (r *writer) write(last bool) string {
	var docs []string
	for _, name := range []string{"a", "b", "c", "d"} {
		if r.chance(33) || r.kept[name] || last && name == "a" { // the last one states something
			docs = append(docs, r.config(name, last))
		}
	}
	for _, name := range []string{"web", "db"} {
		if r.chance(30) {
			docs = append(docs, r.deployment(name, last))
		}
	}
	if r.chance(20) {
		docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s-web%s}\nspec: {ports: [{port: %d}]}",
			r.dir, r.meta(""), 80+r.IntN(3)))
	}
	if r.chance(20) {
		docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s-key%s}\nstringData: {key: k%d}", r.dir, r.meta(""), r.IntN(3)))
	}
	if r.defined = r.defined || r.chance(5); r.defined {
		docs = append(docs, strings.ReplaceAll(definition, "DIR", r.dir))
		if r.chance(70) || last {
			docs = append(docs, fmt.Sprintf("apiVersion: %s.example.com/v1\nkind: Thing\nmetadata: {name: x%s}\nspec: {size: %d}", r.dir, r.meta(""), r.IntN(3)))
		}
	}
	docs = append(docs, r.hooks(last)...)
	return strings.Join(docs, "\n---\n")
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.DIR.example.com}
spec:
  group: DIR.example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`

// meta is the rest of a metadata map.
func (r *writer) meta(annotations string) string {
	list := []string{annotations}
	if r.chance(35) {
		list = append(list, fmt.Sprintf(`argocd.argoproj.io/sync-wave: "%d"`, r.IntN(4)-1))
	}
	if r.chance(10) {
		list = append(list, `note: "`+pick(r.Rand, "x", "y")+`"`)
	}
	text := ", annotations: {"
	for _, entry := range list {
		if entry != "" {
			text += entry + ", "
		}
	}
	return text + "}"
}

func (r *writer) config(name string, last bool) string {
	var options []string
	if r.kept[name] || r.chance(4) {
		r.kept[name] = true
		options = append(options, "Prune=false")
	}
	if r.chance(5) {
		options = append(options, pick(r.Rand, "PruneLast=true", "Replace=true", "ServerSideApply=false"))
	}
	note := ""
	if len(options) > 0 {
		note = fmt.Sprintf("argocd.argoproj.io/sync-options: %q", strings.Join(options, ","))
	}
	data := fmt.Sprintf(`v: "%d"`, r.IntN(4))
	if r.chance(30) {
		data += `, more: "1"`
	}
	if !last && r.chance(6) {
		data += `, invalid: "1"`
	}
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s-%s%s}\ndata: {%s}", r.dir, name, r.meta(note), data)
}

func (r *writer) deployment(name string, last bool) string {
	fate := ""
	if !last && r.chance(12) {
		fate = fmt.Sprintf(", annotations: {%s: %s}", fateAnnotation, pick(r.Rand, "fails", "fails", "hangs"))
	}
	name = r.dir + "-" + name
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %s%s}
spec:
  replicas: %d
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}%s}
    spec: {containers: [{name: main, image: "image:%d"}]}`, name, r.meta(""), 1+r.IntN(2), name, name, fate, r.IntN(3))
}

func (r *writer) hooks(last bool) (docs []string) {
	for _, moment := range []string{"PreSync", "Sync", "PostSync", "SyncFail", "PreSync,PostSync"} {
		if !r.chance(18) {
			continue
		}
		note := fmt.Sprintf("argocd.argoproj.io/hook: %q", moment)
		if r.chance(50) {
			note += fmt.Sprintf(", argocd.argoproj.io/hook-delete-policy: %q", pick(r.Rand, "HookSucceeded", "HookFailed",
				"BeforeHookCreation", "BeforeHookCreation,HookSucceeded", "HookSucceeded,HookFailed,BeforeHookCreation"))
			if !strings.Contains(note, "BeforeHook") { // else the next one cannot change what is left of it
				note = strings.Replace(note, `hook-delete-policy: "`, `hook-delete-policy: "BeforeHookCreation,`, 1)
			}
		}
		if !last && r.chance(25) {
			note += fmt.Sprintf(", %s: %s", fateAnnotation, pick(r.Rand, "fails", "hangs", "once", "once"))
		}
		ttl := ""
		if r.chance(20) {
			ttl = fmt.Sprintf("\n  ttlSecondsAfterFinished: %d", r.IntN(3))
		}
		name := r.dir + "-" + strings.ToLower(strings.ReplaceAll(moment, ",", "-"))
		docs = append(docs, fmt.Sprintf(`apiVersion: batch/v1
kind: Job
metadata: {name: %s%s}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: "job:%d"}]}%s`, name, r.meta(note), r.IntN(3), ttl))
	}
	return docs
}
