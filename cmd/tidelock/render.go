package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"golang.org/x/sync/errgroup"
)

// defaultKubeVersion is that of the destination where there is no cluster to ask.
const defaultKubeVersion = "1.37.0"

type renderOptions struct {
	path        string
	files       []string
	repos       []string
	revision    string
	namespace   string
	kubeVersion string
	apiVersions []string
	sealingKeys []string
	allowLeak   []string
	lookups     []string
	values      []string
	output      string
	showSecrets bool
	inputs      bool
	apps        bool
	offline     bool
	plugins     pluginOptions
	cache       cacheOptions
	sets        setOptions
	scope       func(*manifest.Object) (namespaced, known bool) // nil without a cluster
}

func newRenderCommand() *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:   "render {PATH | -f FILE...}",
		Short: "Print what the agent would apply",
		Long: `Render a directory, or Applications, as the agent does, and print the objects.

PATH is a directory of a Git work tree, read as it is on disk; what it may refer
to ends at the work tree's root, or at PATH itself outside of one. FILEs hold
Application manifests, or ApplicationSets, whose Applications are rendered; where
their repository is found:

  1. --repo DIR stands in for it, as it is on disk. With several repositories
     say which: --repo URL=DIR.
  2. If FILE lies in a work tree that has the repository as a remote, it is that
     work tree.
  3. Otherwise the repository is fetched.

Charts, OCI artifacts, remote bases and what else files refer to by URL are
fetched, too, with the logins of git, helm and docker on this machine. --offline
refuses that.

SOPS files are decrypted with the age keys of $SOPS_AGE_KEY_FILE, $SOPS_AGE_KEY
and the file sops/age/keys.txt of your configuration directory. SealedSecrets
are opened if a key is given, and else left as they are; ExternalSecrets are
left. The values of Secrets are masked: equal values have equal marks. A value
that was encrypted and shows in an object that is no Secret is an error, as it is
for the agent: one of eight bytes or more, as it is or in base64, in hex, escaped
for JSON or a URL. If it is no secret, let the Application's annotation
tidelock.io/allow-leak list its key, or --allow-leak.

Charts find nothing by lookup, as in helm template, unless --lookup lists the
kind: then the cluster of your kubeconfig is asked, with your rights. An
Application must list the kind in its annotation tidelock.io/lookup as well.

What an Application takes from Secrets and ConfigMaps (annotation
tidelock.io/values-from) is given by --values-from: a FILE with their manifests, or
KIND/NAME/KEY=FILE for one item. No cluster is asked for it.

Generators of ApplicationSets read repositories in the same way. Clusters are those
of --cluster and --clusters, and those whose Secrets lie in the work tree of FILE, or
in that of --repo. What would have to be asked of other servers (pullRequest,
scmProvider, plugin) is left out, and noted on stderr.

The agent adds its own marks to what is printed here: whose an object is, and on
the pod templates of workloads with tidelock.io/rollout-on what they restart for.

Objects go to stdout, warnings and errors to stderr. If anything fails, nothing
is printed to stdout.

Exit status: 0 success, 1 the input has an error, 2 wrong use.`,
		Example: `  # an overlay of this repository
  tidelock render apps/api/overlays/staging

  # an Application, over files that are not pushed yet
  tidelock render -f argocd/api-staging.yaml --repo .

  # the Applications that an ApplicationSet makes
  tidelock render -f argocd/apps.yaml --applications

  # the names of what a tag holds
  tidelock render apps/api/overlays/production --revision v1.2.3 -o name

  # which files an overlay depends on
  tidelock render apps/api/overlays/staging --inputs`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.path = strings.Join(args, "")
			if err := o.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runRender(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with Applications or ApplicationSets; may be given several times")
	f.StringArrayVar(&o.repos, "repo", nil, "`[URL=]DIR` that stands in for a repository")
	f.StringVar(&o.revision, "revision", "", "commit, branch or tag to render instead of the files on disk, or of targetRevision")
	f.StringVarP(&o.namespace, "namespace", "n", "", "destination namespace, instead of the Application's")
	f.StringVar(&o.kubeVersion, "kube-version", defaultKubeVersion, "version of the destination cluster, for renderers that ask")
	f.StringSliceVar(&o.apiVersions, "api-versions", nil, "API versions of the destination cluster, for renderers that ask")
	f.StringArrayVar(&o.sealingKeys, "sealed-secrets-key", nil, "`FILE` with private keys of sealed-secrets, in PEM or as their Secrets; may be given several times. Without it $"+sealingKeysVariable+" counts")
	f.StringSliceVar(&o.lookups, "lookup", nil, "`KINDS` (v1/Secret) that charts may look up in the cluster of your kubeconfig; those of Applications must have leave, too")
	f.StringSliceVar(&o.allowLeak, "allow-leak", nil, "`KEYS` whose decrypted values may show in objects that are no Secrets, beside those of annotation tidelock.io/allow-leak")
	f.StringArrayVar(&o.values, valuesFlag, nil, valuesHelp)
	f.StringVarP(&o.output, "output", "o", "yaml", "yaml, json or name")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "print the values of Secrets")
	f.BoolVar(&o.plugins.requireSandbox, requireSandboxFlag, false, requireSandboxHelp)
	o.plugins.flags(f)
	o.sets.flags(f)
	f.BoolVar(&o.offline, "offline", false, "fetch nothing: what is not on disk is an error that names it")
	f.BoolVar(&o.apps, "applications", false, "print the Applications instead, those that ApplicationSets make among them, as the agent makes them")
	f.BoolVar(&o.inputs, "inputs", false, "print what was read instead: what the result depends on")
	return cmd
}

func (o *renderOptions) check() error {
	switch {
	case (o.path == "") == (len(o.files) == 0):
		return errors.New("give a directory, or Applications with -f")
	case o.path != "" && len(o.repos) > 0:
		return errors.New("--repo stands in for the repository of an Application: give one with -f")
	case o.apps && (o.path != "" || o.inputs):
		return errors.New("--applications prints those of files: give them with -f, and no --inputs")
	case o.output != "yaml" && o.output != "json" && o.output != "name":
		return fmt.Errorf("-o %s: give yaml, json or name", o.output)
	}
	return nil
}

// runRender renders all Applications before it prints anything.
func runRender(ctx context.Context, o renderOptions, out, talk io.Writer) error {
	defer unhurried()()
	screen := newScreen(talk)
	talk = screen
	input, err := o.input(talk)
	if err != nil {
		return err
	}
	line, closePipeline, err := o.pipeline(ctx, input, talk)
	if err != nil {
		return err
	}
	defer closePipeline()
	if err := o.expand(ctx, input, line, talk); err != nil {
		return err
	}
	if o.apps {
		return o.printApplications(out, input.applications)
	}
	all, failed := input.render(ctx, line, screen)
	for _, rendered := range all {
		comment(talk, rendered)
	}
	if failed != nil {
		return failed
	}
	return o.print(out, all)
}

// render renders all Applications, as many at once as there are processors.
func (in *renderInput) render(ctx context.Context, line *pipeline.Pipeline, screen *screen) (all []*pipeline.Rendered, failed failures) {
	all = make([]*pipeline.Rendered, len(in.applications))
	errs := make([]error, len(in.applications))
	progress := screen.headway("rendered", len(in.applications))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, app := range in.applications {
		g.Go(func() error {
			all[i], errs[i] = line.Desired(ctx, app, nil)
			progress.one()
			return nil
		})
	}
	_ = g.Wait() // each Application has its own error
	progress.end()
	for i, err := range errs {
		if err != nil {
			failed = append(failed, in.failure(in.applications[i], err))
		}
	}
	return slices.DeleteFunc(all, func(r *pipeline.Rendered) bool { return r == nil }), failed
}

// pipeline is the agent's own, with stand-ins for what only a cluster has.
func (o *renderOptions) pipeline(ctx context.Context, in *renderInput, talk io.Writer) (*pipeline.Pipeline, func(), error) {
	keys, err := newLocalKeys(o.sealingKeys)
	if err != nil {
		return nil, nil, err
	}
	given, err := newLocalValues(o.values)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: slog.LevelWarn}))
	host, err := newHost(log, o.plugins)
	if err != nil {
		return nil, nil, err
	}
	if o.plugins.requireSandbox {
		if err := trySandbox(ctx, host.Host, log, true); err != nil {
			return nil, nil, errors.Join(err, host.Close())
		}
	}
	kept, err := o.cache.open(keptRendered, talk)
	if err != nil {
		return nil, nil, errors.Join(err, host.Close())
	}
	trees := &checkouts{find: in.stand, revision: o.revision, offline: o.offline, log: log, onDisk: in.trees}
	artifacts := registry.NewStore(registry.Options{Log: log})
	line := &pipeline.Pipeline{
		Namespace: localNamespace, Now: time.Now,
		Git:         trees,
		Artifacts:   artifacts,
		Render:      keptRenders(host, log, kept),
		Keys:        keys,
		Destination: offline{kubeVersion: o.kubeVersion, apiVersions: o.apiVersions, scope: o.scope, opensSealed: len(keys.sealed.Fingerprints()) > 0}.of,
		Secrets:     newSecretsStage(host, keys),
		Permit:      permitAll, PermitSource: permitAnySource,
		Verify: verifyNothing, Vouch: vouchForAll, Known: &leak.Known{},
		Values: given, PermitValues: permitAnyValues,
	}
	if o.offline {
		line.Artifacts = unfetched{}
		keys.sops = unasked(keys.sops)
	}
	if len(o.lookups) > 0 {
		cfg, err := (&console{}).config()
		if err != nil {
			return nil, nil, errors.Join(err, host.Close(), closeShelf(kept))
		}
		line.Look = lookAsMyself(cluster.NewLooker(cfg))
	}
	end := func() {
		trees.close()
		artifacts.Close()
		if err := errors.Join(host.Close(), closeShelf(kept)); err != nil {
			log.Warn("end the plugins", "error", err)
		}
	}
	return line, end, nil
}

// comment tells of warnings, and of what a cluster would have resolved.
func comment(talk io.Writer, rendered *pipeline.Rendered) {
	for _, w := range rendered.Warnings {
		fmt.Fprintf(talk, "warning: %s\n", w.Message)
	}
	for _, o := range rendered.Set {
		switch o.Key.GroupKind().String() {
		case "SealedSecret.bitnami.com":
			fmt.Fprintf(talk, "note: %s is left as it is: give --sealed-secrets-key to open it\n", o.Key)
		case "ExternalSecret.external-secrets.io":
			fmt.Fprintf(talk, "note: %s is left as it is: its values are with the provider\n", o.Key)
		}
	}
}

// print writes what was asked for.
func (o *renderOptions) print(out io.Writer, all []*pipeline.Rendered) error {
	var set manifest.Set
	var inputs []pipeline.Inputs
	for _, r := range all {
		set = append(set, r.Set...)
		inputs = append(inputs, r.Inputs...)
	}
	switch {
	case o.inputs:
		return o.printInputs(out, inputs)
	case o.output == "json":
		return printJSON(out, set, o.showSecrets)
	case o.output == "name":
		return printNames(out, set)
	}
	return writeManifests(out, set, o.showSecrets)
}

func writeManifests(out io.Writer, set manifest.Set, reveal bool) error {
	text, err := set.YAML(reveal)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func (o *renderOptions) printInputs(out io.Writer, inputs []pipeline.Inputs) error {
	if o.output == "json" {
		return indented(out, inputs)
	}
	for _, in := range inputs {
		if _, err := io.WriteString(out, in.String()); err != nil {
			return err
		}
	}
	return nil
}

// printJSON writes a list, as kubectl does.
func printJSON(out io.Writer, set manifest.Set, reveal bool) error {
	items := make([]json.RawMessage, len(set))
	for i, o := range set {
		raw, err := o.MarshalJSON()
		if reveal {
			raw = o.Reveal()
		}
		if err != nil {
			return err
		}
		items[i] = raw
	}
	return indented(out, map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}

func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printNames writes names as kubectl does: deployment.apps/web.
func printNames(out io.Writer, set manifest.Set) error {
	for _, o := range set {
		kind := strings.ToLower(o.Key.Kind)
		if o.Key.Group != "" {
			kind += "." + o.Key.Group
		}
		if _, err := fmt.Fprintf(out, "%s/%s\n", kind, o.Key.Name); err != nil {
			return err
		}
	}
	return nil
}

// verifyNothing: there is no project to ask, and what is rendered is a directory
// or a commit that somebody chose.
func verifyNothing(context.Context, *api.Application, git.Repo, string, string) error { return nil }

// permitAnySource: nor about repositories that a repository leads to.
func permitAnySource(*api.Application) func(string) error {
	return func(string) error { return nil }
}

// permitAll: there is no project to ask on a laptop.
func permitAll(*api.Application) func(*manifest.Object) error {
	return func(*manifest.Object) error { return nil }
}
