package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// check looks at all that was rendered, and at manifests that nothing renders.
func (v *validation) check(ctx context.Context) (*validateReport, error) {
	loose := v.loose()
	custom, err := v.definitions(ctx, loose)
	if err != nil {
		return nil, err
	}
	if v.version, err = v.versionOf(custom); err != nil {
		return nil, err
	}
	checker := validate.For(v.version, custom)
	v.checker, v.custom = checker, custom
	locators, stated := map[string]*validate.Locator{}, slices.Clone(loose)
	var unknown []string
	unknown = append(unknown, checker.Unknown(loose)...)
	loose = slices.DeleteFunc(loose, func(o *manifest.Object) bool { // it may be for another program
		return slices.Contains(unknown, o.Key.GroupKind().String()) && !ofSecrets[o.Key.Group] || checker.Foreign(o)
	})
	if v.clear != nil && !v.version.Served() { // what a cluster serves has no name that says what it is
		checker = checker.Remembering(v.clear, buildText(), v.dir+" "+strings.Join(v.parts, " "))
	}
	for _, r := range v.rendered {
		if r.err != nil {
			v.failed(r)
			continue
		}
		v.looked = append(v.looked, statement{rendering: r, prefix: r.prefix, set: r.result.Set, others: yamlRead(r.result)})
		unknown = append(unknown, checker.Unknown(r.result.Set)...)
	}
	for _, together := range byDirectory(loose) {
		v.looked = append(v.looked, statement{prefix: ".", set: together})
	}
	objects, err := v.lookAt(ctx, checker, locators)
	if err != nil {
		return nil, err
	}
	v.overlays()
	v.repeatedKeys()
	v.empty()
	v.setFindings(locators)
	if err := v.madeSecrets(ctx, loose, locators); err != nil {
		return nil, err
	}
	if err := v.secrets(ctx); err != nil {
		return nil, err
	}
	if err := v.references(stated, locators); err != nil {
		return nil, err
	}
	v.together(loose, locators)
	if err := v.policies(ctx, loose, custom, locators); err != nil {
		return nil, err
	}
	if err := v.rehearse(ctx, locators); err != nil {
		return nil, err
	}
	if slices.Sort(unknown); len(unknown) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("objects of these kinds are not compared with a schema, for their definitions are not here (--crds DIR): %s", strings.Join(slices.Compact(unknown), ", ")))
	}
	return v.report(objects)
}

// lookAt looks at all that is stated, and returns how many objects that is.
func (v *validation) lookAt(ctx context.Context, checker *validate.Checker, locators map[string]*validate.Locator) (objects int, err error) {
	var sets []manifest.Set
	for _, s := range v.looked {
		sets = append(sets, s.set)
		objects += len(s.set)
	}
	progress := v.screen.headway("objects checked", objects)
	problems, err := checker.Sets(ctx, sets, v.options.parallel, progress.one)
	progress.end()
	if err != nil {
		return 0, err
	}
	checker.Keep()
	for i := range v.looked {
		s := &v.looked[i]
		s.found = v.locator(locators, s.prefix).Findings(problems[i], s.others)
		v.add(s.of(), s.prefix, s.found)
	}
	return objects, nil
}

// locator reads the files of one repository.
func (v *validation) locator(known map[string]*validate.Locator, prefix string) *validate.Locator {
	if known[prefix] == nil {
		known[prefix] = validate.NewLocator(func(file string) ([]byte, error) { return os.ReadFile(v.onDisk(path.Join(prefix, file))) })
	}
	return known[prefix]
}

// add takes over findings of files that are named from a prefix.
func (v *validation) add(app, prefix string, all []validate.Finding) {
	for _, f := range all {
		f.File = path.Join(prefix, f.File)
		if app != "" {
			f.Applications = []string{app}
		}
		v.findings = append(v.findings, f)
	}
}

// loose parses the manifests that nothing renders.
func (v *validation) loose() manifest.Set {
	var all manifest.Set
	for _, file := range v.files.loose(v.covers) {
		v.read[file] = true
		set, err := manifest.ParseStrict(v.files.texts[file], manifest.Origin{File: file})
		if err != nil {
			v.findings = append(v.findings, validate.Unread(err))
			continue
		}
		all = append(all, set...)
	}
	return all
}

// byDirectory parts manifests that nothing renders: what lies in one directory is
// applied together, more likely than what has the same names elsewhere.
func byDirectory(loose manifest.Set) []manifest.Set {
	var all []manifest.Set
	at := map[string]int{}
	for _, o := range loose {
		dir := path.Dir(o.Origin.File)
		if _, ok := at[dir]; !ok {
			at[dir], all = len(all), append(all, nil)
		}
		all[at[dir]] = append(all[at[dir]], o)
	}
	return all
}

// definitions are the custom kinds that are known: Argo CD's, those of the cluster, those
// of --crds, those of any file here, and those that are rendered.
func (v *validation) definitions(ctx context.Context, loose manifest.Set) (*validate.Definitions, error) {
	custom := &validate.Definitions{}
	own, err := builtIn()
	if err != nil {
		return nil, err
	}
	addAll(custom, own)
	if err := v.liveDefinitions(ctx, custom, loose); err != nil {
		return nil, err
	}
	if v.options.crds != "" {
		p, err := subtreeOf(v.options.crds)
		if err != nil {
			return nil, fmt.Errorf("--crds: %w", err)
		}
		if _, err := walk.Files(ctx, p.tree, p.at, walk.Options{Wanted: wantedToValidate, Ignored: true}, func(at string, text []byte) error {
			addDefinitions(custom, text, at)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("--crds: %w", err)
		}
	}
	for at, text := range v.files.texts {
		addDefinitions(custom, text, at)
	}
	for _, r := range v.rendered {
		if r.result != nil {
			addAll(custom, r.result.Set)
		}
	}
	addAll(custom, loose)
	return custom, nil
}

// builtIn are the definitions of Argo CD's kinds.
var builtIn = sync.OnceValues(func() (all manifest.Set, err error) {
	for _, text := range api.CRDs() {
		set, err := manifest.Parse([]byte(text), manifest.Origin{File: "built in"})
		if err != nil {
			return nil, err
		}
		all = append(all, set...)
	}
	return all, nil
})

func addDefinitions(custom *validate.Definitions, text []byte, file string) {
	if !bytes.Contains(text, []byte("CustomResourceDefinition")) || bytes.Contains(text, []byte("{{")) {
		return
	}
	set, err := manifest.Parse(text, manifest.Origin{File: file})
	if err == nil { // what is wrong with it is told elsewhere
		addAll(custom, set)
	}
}

func addAll(custom *validate.Definitions, set manifest.Set) {
	for _, o := range set {
		if o.Key.Kind == "CustomResourceDefinition" {
			custom.Add(o)
		}
	}
}

// yamlRead are the files that objects may have come from.
func yamlRead(r *pipeline.Rendered) []string {
	var files []string
	for _, in := range r.Inputs {
		for _, f := range in.Files {
			if f.Op == git.OpRead && f.Error == "" && wantedToValidate(f.Path) {
				files = append(files, f.Path)
			}
		}
	}
	return files
}

// failed makes a finding of a render that failed, or a note if it is for want of
// what is not here.
func (v *validation) failed(r *rendering) {
	what := "Application " + r.name
	if r.name == "" {
		what = path.Dir(r.origin.File)
	}
	if v.lacks(r) {
		v.notes = append(v.notes, fmt.Sprintf("%s is not looked at: %v", what, r.err))
		return
	}
	f := validate.Finding{Rule: validate.RuleRender, Severity: validate.Error, File: r.origin.File, Line: r.origin.Line, Message: r.err.Error()}
	if r.name != "" {
		f.Applications = []string{r.name}
	}
	var at *render.Error
	if errors.As(r.err, &at) {
		f.Message, f.Hint = at.Err.Error(), at.Hint
		if errors.Is(at.Kind, render.ErrManifest) {
			f.Rule = validate.RuleSyntax
		}
		if file, line, ok := v.place(r.prefix, at.Where); ok {
			f.File, f.Line = file, line
		} else if at.Where != "" && !strings.Contains(f.Message, at.Where) {
			f.Message = at.Where + ": " + f.Message
		}
		if m := placed.FindStringSubmatch(f.Message); m != nil {
			if file, line, ok := v.place(r.prefix, m[1]); ok {
				f.File, f.Line, f.Message = file, line, m[2]
			}
		}
	}
	if r.name == "" && v.demands(f) {
		v.notes = append(v.notes, fmt.Sprintf("%s is not looked at: it demands values, and no Application here gives it any: %s: %s", what, f.Position(), f.Message))
		return
	}
	v.findings = append(v.findings, f)
}

var demanding = regexp.MustCompile(`\b(required|fail)\b`)

// demands says whether a template itself refused to be rendered.
func (v *validation) demands(f validate.Finding) bool {
	text, err := os.ReadFile(v.onDisk(f.File))
	rows := strings.Split(string(text), "\n")
	return err == nil && path.Base(path.Dir(f.File)) == "templates" && f.Line > 0 && f.Line <= len(rows) && demanding.MatchString(rows[f.Line-1])
}

// lacks says whether a render failed for what is with others: files, keys, or a
// custom plugin.
func (v *validation) lacks(r *rendering) bool {
	custom := slices.ContainsFunc(r.app.Spec.AllSources(), func(s api.Source) bool { return s.Plugin != nil })
	return errors.Is(r.err, errOffline) || errors.Is(r.err, render.ErrNoKey) ||
		errors.Is(r.err, render.ErrRemote) && !v.options.fetch || errors.Is(r.err, render.ErrUnsupported) && custom
}

var (
	fileLine = regexp.MustCompile(`^([^:]+):(\d+)$`)
	placed   = regexp.MustCompile(`(?s)^([^\s:]+:\d+): (.*)$`)
)

// place reads where a renderer says that it failed, if that is a file.
func (v *validation) place(prefix, where string) (file string, line int, ok bool) {
	if m := fileLine.FindStringSubmatch(where); m != nil {
		line, _ = strconv.Atoi(m[2])
		where = m[1]
	}
	file = path.Join(prefix, where)
	info, err := os.Stat(v.onDisk(file))
	return file, line, err == nil && !info.IsDir()
}

// report leaves out what is silenced.
func (v *validation) report(objects int) (*validateReport, error) {
	silences := &validate.Silences{}
	for file, text := range v.files.texts {
		silences.AddComments(file, text)
	}
	for _, o := range v.files.overlays {
		if text, err := fs.ReadFile(v.tree, o.file); err == nil {
			silences.AddComments(o.file, text)
		}
	}
	text, err := fs.ReadFile(v.tree, validate.ConfigFile)
	switch {
	case err == nil:
		if err := silences.AddConfig(validate.ConfigFile, text); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if !v.options.real {
		silences.Forget(validate.RuleReal)
	}
	all := append(silences.Filter(validate.Merge(v.findings)), silences.Leftover(v.leftover())...)
	return &validateReport{Findings: validate.Merge(all), Notes: v.notes, Disagreements: v.disagreements, objects: objects, renders: len(v.rendered)}, nil
}

// leftover says of which files the silences are held to account: of those that
// were looked at, if nothing failed that may have needed them.
func (v *validation) leftover() func(file string) bool {
	whole := len(v.parts) == 1 && v.parts[0] == "."
	for _, r := range v.rendered {
		whole = whole && r.err == nil
	}
	return func(file string) bool { return whole && v.covers(file) }
}
