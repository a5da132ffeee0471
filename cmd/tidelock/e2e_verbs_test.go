package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a verb waits for what it is to see. Nothing of it is
// slept: each verb looks whenever what it waits for may have changed. It is longer
// than a revision rests that has failed, as on a machine that is too busy.
const patience = 5 * time.Minute

// A verb is a command of the stories.
type verb struct {
	usage    string
	min, max int // number of arguments; max < 0 if there is no limit
	run      func(*scene, []string) error
}

// verbs are the commands of the stories, beside testscript's own.
var verbs = []verb{
	// the agent and the Git server
	{"agent [FLAG...]: start it; the first time, with flags", 0, -1, (*scene).startAgent},
	{"second NAMESPACE [FLAG...]: start another agent, of an installation in another namespace; negated: end it", 0, -1, (*scene).second},
	{"kill9: end the agent as the kernel does", 0, 0, (*scene).kill9},
	{"dump: end the agent so that it prints its goroutines, with their arguments, into its log", 0, 0, (*scene).dump},
	{"killplugin NAME: end the plugin's processes so, too; there must be one", 1, 1, (*scene).killPlugin},
	{"stopplugin NAME: stop the plugin's processes as a debugger does; there must be one", 1, 1, (*scene).stopPlugin},
	{"repo DIR: serve a Git repository; its files are those of DIR", 1, 1, (*scene).repo},
	{"push DIR [silent] [sealed]: make a commit of all of DIR, push it and, unless silent, tell the agent's webhook; sealed, it vouches for its ancestors", 1, 3, (*scene).push},
	{"gpgkey NAME: make a key; its id is ${NAME_ID}, and its public half ${NAME_KEY} within quotes", 1, 1, (*scene).gpgKey},
	{"signas DIR NAME|nobody: sign commits and tags of a repository from now on", 2, 2, (*scene).signAs},
	{"tag DIR NAME: tag the commit pushed last, with a message, push it and tell the agent's webhook", 2, 2, (*scene).tag},
	{"gitserver up|down: let the Git server be reached, or not", 1, 1, (*scene).gitServer},
	{"registry: start a registry of charts and artifacts, ${REGISTRY}, that asks for robot and sesame", 0, 0, (*scene).startRegistry},
	{"publish REPOSITORY TAG DIR [chart]: push a directory's files to the registry, as manifests or as a chart; the digest is ${DIGEST}", 3, 4, (*scene).publish},
	{"registryserver up|down: let the registry answer, or not", 1, 1, (*scene).registryIs},
	{"crash DIR N SEED: N times push DIR with another ${N}, and kill -9 the agent at a random instant of the rollout", 3, 3, (*scene).crash},
	{"killsyncs DIR N TIMES SEED NAME...: N times push DIR with another ${N}, kill -9 the agent TIMES at random instants of the Applications' syncs, and wait for their end", 5, -1, (*scene).killSyncs},
	{"kills N SPAN SEED: kill -9 the agent N times, at random instants of a time such as 5s", 3, 3, (*scene).kills},
	// keys and secrets
	{"givekey sops|sealed NAME: give the agent the key made last", 2, 2, (*scene).giveKey},
	{"canary NAME: make a text that must stand nowhere but in Secrets, as ${NAME}", 1, 1, (*scene).canary},
	{"noleak NAMESPACE/SECRET...: search canaries everywhere but in these Secrets, of which NAMESPACE/PREFIX* names several; negated: one must be found", 0, -1, (*scene).noLeak},
	{"said ARGUMENT...: run tidelock, however it ends, and add what it prints to the file said", 1, -1, (*scene).said},
	{"noleakin PATH...: search canaries in files, such as what a command has printed; negated: one must be found", 1, -1, (*scene).noLeakIn},
	{"secret NAMESPACE/NAME KEY VALUE: wait until a Secret has it", 3, 3, (*scene).secret},
	// what people do with kubectl
	{"app NAME DIR/PATH [OPTION...]: create an Application, see app", 2, -1, (*scene).app},
	{"person NAME FILE: make a ServiceAccount without rights in the agent's namespace, and its kubeconfig", 2, 2, (*scene).person},
	{"apply FILE...: create or change objects", 1, -1, (*scene).apply},
	{"patch RESOURCE NAMESPACE/NAME YAML: change an object by a merge patch", 3, 3, (*scene).patch},
	{"scale RESOURCE NAMESPACE/NAME N: change its scale as an autoscaler does", 3, 3, (*scene).scale},
	{"delete RESOURCE NAMESPACE/NAME", 2, 2, (*scene).delete},
	{"finish pod|job NAMESPACE/NAME: let the Pod, or those of the Job, finish now, whatever its delay", 2, 2, (*scene).finish},
	{"may NAMESPACE/ACCOUNT VERB RESOURCE[/NAME] [NAMESPACE]: wait until the API server lets the ServiceAccount do it; negated: no more", 3, 4, (*scene).may},
	{"approve NAME: approve of an Application's held deletions, as its condition says", 1, 1, (*scene).approve},
	{"consent NAME: consent to what the Application's operation deletes, as of now", 1, 1, (*scene).consent},
	{"window NAME SECONDS: ${NAME} is a window for this minute's beginning and on, that closes in SECONDS: a schedule and a duration of a project's syncWindows", 2, 2, (*scene).window},
	// what is to be seen
	{"waitapp NAME|NAMESPACE/NAME [FIELD=VALUE...]: wait until it is so, see waitapp; without fields Synced, Healthy and at rest", 1, -1, (*scene).waitApp},
	{"condition NAME|NAMESPACE/NAME TYPE REGEXP: wait until this is the one condition; negated: until there is none of the type", 2, 3, (*scene).condition},
	{"event NAME|NAMESPACE/NAME REASON REGEXP [KIND]: wait until an Event says so of an Application, or of an object of another kind", 3, 4, (*scene).event},
	{"live RESOURCE NAMESPACE/NAME [JSONPATH REGEXP]: wait until it is so", 2, 4, (*scene).live},
	{"gone RESOURCE NAMESPACE/NAME: wait until it is", 2, 2, (*scene).gone},
	{"count RESOURCE NAMESPACE N: wait until N objects there are an Application's", 3, 3, (*scene).count},
	{"snapshot RESOURCE NAMESPACE/NAME: remember an object", 2, 2, (*scene).snapshot},
	{"results NAME: write what became of each object in the last operation to the file results", 1, 1, (*scene).results},
	{"jobs NAME: remember the Jobs of an Application, if none are remembered, else they are the same, or, negated, all others; then forget them", 1, 1, (*scene).jobs},
	{"record NAMESPACE RESOURCE...: record what the API server tells of them from now on", 2, -1, (*scene).record},
	{"history NAMESPACE: write to the file history when the recorded objects were made, ready and gone, in the API server's order", 1, 1, (*scene).history},
	{"rounds NAMESPACE: write to the file rounds how many objects were recorded of each hook, of how many rounds", 1, 1, (*scene).rounds},
	{"survived: what was remembered is still there, though it may have changed", 0, 0, (*scene).survived},
	{"untouched: nobody has written to what was remembered", 0, 0, (*scene).untouched},
	{"metric NAME [+N]: remember a metric; wait until it is N more", 1, 2, (*scene).metric},
	{"document json|yaml [JSONPATH REGEXP]...: what the last command printed is one document, in which it is so", 1, -1, (*scene).document},
	{"logged REGEXP [+N]: wait until the agent has logged it, N times from now on", 1, 2, (*scene).logged},
}

// A scene is a story at one of its commands.
type scene struct {
	*story
	ctx context.Context
	ts  *testscript.TestScript
	neg bool
}

// commands makes them, with those of the other scripts that serve here, too.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){
		"agekey": agekey, "sealingkey": sealingkey,
		"encrypt": expanded(encrypt), "seal": seal,
	}
	every := slices.Concat(verbs, vaultVerbs, appliedVerbs, setVerbs, pageVerbs, traceVerbs, clusterVerbs, argoVerbs, stepVerbs, notifyVerbs, forgeVerbs, metricVerbs, frontVerbs)
	all[inVerb] = in(every)
	for _, v := range every {
		name := strings.TrimSuffix(strings.Fields(v.usage)[0], ":")
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) { v.play(ts, neg, args) }
	}
	return all
}

func (v verb) play(ts *testscript.TestScript, neg bool, args []string) {
	v.playIn(ts.Value(theStory).(*story), ts, neg, args)
}

func (v verb) playIn(story *story, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < v.min || v.max >= 0 && len(args) > v.max {
		ts.Fatalf("usage: %s", v.usage)
	}
	if neg && !strings.Contains(v.usage, "negated") {
		ts.Fatalf("it cannot be negated: %s", v.usage)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &scene{story, ctx, ts, neg}
	ts.Check(s.explain(v.run(s, args)))
}

// anew is the scene with all its patience left: for one of several steps.
func (s *scene) anew() (*scene, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	return &scene{s.story, ctx, s.ts, s.neg}, cancel
}

var variable = regexp.MustCompile(`\$\{[A-Z_0-9]+\}`)

// expand replaces ${NAME} by the variables of the script. All else that has a
// dollar in it stays.
func expand(ts *testscript.TestScript, text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string { return ts.Getenv(v[2 : len(v)-1]) })
}

// file reads a file of the script.
func (s *scene) file(name string) []byte { return []byte(expand(s.ts, s.ts.ReadFile(name))) }

// expanded expands files before a command works on them.
func expanded(command func(*testscript.TestScript, bool, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, files []string) {
		for _, file := range files {
			ts.Check(os.WriteFile(ts.MkAbs(file), []byte(expand(ts, ts.ReadFile(file))), 0o600))
		}
		command(ts, neg, files)
	}
}

// until calls met again and again until it reports true. It is for what cannot
// be watched.
func (s *scene) until(what string, met func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := met(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return fmt.Errorf("%s: not within %s", what, patience)
		}
	}
}

// files returns the files under a directory of the script, expanded, by path.
func (s *scene) files(dir string) (map[string]string, error) {
	root := s.ts.MkAbs(dir)
	files := map[string]string{}
	return files, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = string(s.file(path))
		return err
	})
}
