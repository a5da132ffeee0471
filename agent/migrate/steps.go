package migrate

import (
	"fmt"
	"strings"
)

// kubectl is the beginning of commands in Argo CD's namespace.
func (f *Facts) kubectl(format string, args ...any) string {
	return "kubectl -n " + f.Namespace + " " + fmt.Sprintf(format, args...)
}

func (f *Facts) install(flags string) string {
	return "tidelock install --no-crds " + flags + " --namespace " + f.Namespace + " | kubectl apply --server-side -f -"
}

func (f *Facts) definitions() Step {
	s := Step{
		Title: "The definitions of Application, AppProject and ApplicationSet are there",
		Done:  f.Definitions,
		Text:  []string{"They are the same objects: Argo CD's own definitions serve. Keep them, whatever you remove later: with them go all Applications."},
	}
	if !s.Done {
		s.Commands = []string{"tidelock install --crds-only | kubectl apply --server-side -f -"}
	}
	return s
}

func (f *Facts) lookOn() Step {
	return Step{
		Title: "Look on",
		Done:  f.agent() == onlooking || f.agent() == working,
		Text: []string{
			"Tidelock compares what it would say of each Application with what Argo CD says, and writes nothing: it has the right to get, list and watch, and no other, and keeps itself from writing besides. It reads Secrets, as Argo CD does.",
			"To try it without installing anything: tidelock migrate check.",
		},
		Commands: []string{f.install("--shadow"), f.kubectl("rollout status deployment tidelock")},
	}
}

func (f *Facts) compare() Step {
	return Step{
		Title: "Read the report until nothing differs that you do not know",
		Text: []string{
			"Exit status 0 is that nothing differs but by design. What is pending becomes comparable when Argo CD looks again, every few minutes. Below each Application stands what its first sync here would change, field by field.",
			"Let it stand for as long as it takes to see ordinary work: a few commits, a rollback, a release. Metrics: tidelock_shadow_applications, tidelock_shadow_differences.",
		},
		Commands: []string{"tidelock migrate report -n " + f.Namespace},
	}
}

// workers are the parts that write, or that would do again what we do.
func (f *Facts) workers() (all []Workload) {
	for _, name := range []string{controller, setController, notifier} {
		if w := f.part(name); w != nil {
			all = append(all, *w)
		}
	}
	return all
}

func (f *Facts) pause() Step {
	s := Step{
		Title: "Stop Argo CD's controllers",
		Done:  true,
		Text: []string{
			"From here on until step 5 is done nothing is synced. Nothing live changes: what runs goes on running.",
			"The user interface and the API server may stay for now: they read Applications, and what Tidelock writes into their status is what they show.",
		},
	}
	if busy := f.busy(); len(busy) > 0 {
		s.Wait = "operations end first: " + named(busy)
	}
	if leaving := f.leaving(); len(leaving) > 0 {
		s.Text = append(s.Text, "These are being deleted, which waits for a controller: "+named(leaving)+".")
	}
	for _, w := range f.workers() {
		s.Done = s.Done && w.Replicas == 0
		s.Commands = append(s.Commands, f.kubectl("scale %s %s --replicas=0", strings.ToLower(w.Kind), w.Name))
	}
	if len(f.workers()) > 0 {
		s.Commands = append(s.Commands, f.kubectl("wait --for=delete pod --timeout=5m -l 'app.kubernetes.io/name in (%s)'", strings.Join([]string{controller, setController, notifier}, ",")))
	}
	return s
}

func (f *Facts) takeOver() Step {
	s := Step{
		Title: "Start Tidelock in Argo CD's place",
		Done:  f.agent() == working,
		Text: []string{
			"It runs in the same namespace, and reads what is there: Applications, AppProjects, ApplicationSets, repository and cluster Secrets, argocd-cm, argocd-tls-certs-cm, argocd-ssh-known-hosts-cm, argocd-gpg-keys-cm, argocd-notifications-cm. In another namespace it would need copies of all of them.",
		},
		Commands: []string{f.install(f.flags()), f.kubectl("rollout status deployment tidelock")},
	}
	if f.runs(controller) || f.runs(setController) {
		s.Wait = "Argo CD's controllers are stopped first (step 4): two that write undo each other's work"
	}
	if apps := f.outOfSync(); len(apps) > 0 {
		s.Text = append(s.Text, fmt.Sprintf("These are synced automatically and are not Synced now, so they are synced at once, with all that they state: %s.", named(apps)))
	}
	return s
}

// flags are those that the installation needs to go on as it was.
func (f *Facts) flags() string {
	flags := "--no-namespace"
	if f.settings().Impersonate {
		flags += " --impersonate"
	}
	return flags
}

func (f *Facts) ownership() Step {
	return Step{
		Title: "The first sync of each Application makes its objects Tidelock's",
		Done:  f.agent() == working && len(f.Applications) > 0 && f.Adopted == len(f.Applications),
		Text: []string{
			"Every object is OutOfSync at first, for the label tidelock.io/app is missing. Applications with selfHeal are synced by themselves, automated ones without it at their next commit, unless you sync them before; of the others you decide when.",
			"To each object it writes: that label, the annotation argocd.argoproj.io/tracking-id if it is not there, and the field manager tidelock, which takes over the fields of argocd-controller and of kubectl-client-side-apply, so that what leaves Git leaves the object. The annotation kubectl.kubernetes.io/last-applied-configuration goes.",
			"Pod templates are not touched, so nothing restarts, and nothing is deleted, unless the report of step 3 says otherwise. With selfHeal hooks do not run, for what is OutOfSync is applied and no more; in a full sync, at the next commit or when you ask for it, they do, as in every one: a PreSync Job runs again. A sync of Argo CD's that was under way goes on where it was: its hooks are awaited, and not made anew.",
			"An Application without automated sync: tidelock plan APP, then tidelock sync APP.",
		},
		Commands: []string{
			"tidelock get -n " + f.Namespace,
			"tidelock diff APP -n " + f.Namespace,
			"tidelock sync APP -n " + f.Namespace + " --dry-run",
		},
	}
}

func (f *Facts) verify() Step {
	return Step{
		Title: "Verify",
		Text:  []string{"All are Synced and Healthy as before, ReplicaSets are as old as before, and nobody but Tidelock owns what Git states."},
		Commands: []string{
			"tidelock get -A",
			"kubectl get replicasets -A --sort-by=.metadata.creationTimestamp | tail",
			"tidelock why APP -n " + f.Namespace,
		},
	}
}

func (f *Facts) goBack() Step {
	s := Step{
		Title: "The way back, at any time before step 9",
		Text: []string{
			"Applications, their status and history are the same objects, and Argo CD goes on from them. The label tidelock.io/app stays on objects and is no difference to Argo CD, which does not state it. Its next sync of an object makes argocd-controller an owner again; tidelock owns the fields beside it until you take its entry out of managedFields, which matters only when a field leaves Git.",
		},
		Commands: []string{f.kubectl("scale deployment tidelock --replicas=0"), f.kubectl("wait --for=delete pod --timeout=5m -l app.kubernetes.io/name=tidelock")},
	}
	for _, w := range f.workers() {
		s.Commands = append(s.Commands, f.kubectl("scale %s %s --replicas=%d", strings.ToLower(w.Kind), w.Name, max(1, w.Replicas)))
	}
	return s
}

func (f *Facts) remove() Step {
	gone := f.part(controller) == nil && f.part(server) == nil && f.part(repoServer) == nil
	return Step{
		Title: "Remove what is left of Argo CD, some weeks later",
		Done:  gone && f.agent() == working,
		Text: []string{
			"Never delete its whole installation (kubectl delete -f install.yaml, helm uninstall without keeping definitions): with the definitions go all Applications, and by their finalizers all that they state.",
			"Keep the ConfigMaps and Secrets of the namespace: argocd-cm, repository and cluster Secrets, argocd-secret (it has the webhooks' secrets) and the others of step 5 are read by Tidelock. With the rest go the user interface, its logins and the argocd command.",
		},
		Commands: []string{
			f.kubectl("delete statefulset,deployment,service,networkpolicy -l app.kubernetes.io/part-of=argocd"),
			f.kubectl("delete role,rolebinding,serviceaccount -l app.kubernetes.io/part-of=argocd"),
			"kubectl delete clusterrole,clusterrolebinding -l app.kubernetes.io/part-of=argocd",
		},
	}
}

func (f *Facts) flux() Step {
	s := Step{
		Title: "Flux, if it is to go, too",
		Done:  true,
		Text: []string{
			"Flux' Kustomizations and HelmReleases are not read here: an Application takes the place of each. Suspend each before the Application that states the same objects is synced, for both would write; suspended, it deletes nothing.",
			"Before you delete a Kustomization set spec.prune to false, or it takes its objects with it. A HelmRelease that is deleted uninstalls its release, unless its Secrets sh.helm.release.v1.* are deleted first while it is suspended.",
		},
	}
	const most = 20
	for i, o := range f.Flux {
		s.Done = s.Done && o.Suspended
		kind := strings.ToLower(o.Kind)
		if i < most && !o.Suspended {
			s.Commands = append(s.Commands, fmt.Sprintf("kubectl -n %s patch %s %s --type=merge -p '{\"spec\":{\"suspend\":true}}'", o.Namespace, kind+"s."+fluxGroup(o.Kind), o.Name))
		}
	}
	return s
}

func fluxGroup(kind string) string {
	if kind == "HelmRelease" {
		return "helm.toolkit.fluxcd.io"
	}
	return "kustomize.toolkit.fluxcd.io"
}
