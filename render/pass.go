package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A pass is one render of one source, from the commit to its objects.
type pass struct {
	ctx    context.Context
	engine *Engine
	req    *Request
	view   *view
	out    outcome
	// custom is the custom plugin that renders, if one does; answered is what it
	// gave when it was asked whether it does.
	custom   *Custom
	answered *sdk.RenderResult
}

func newPass(ctx context.Context, e *Engine, req *Request) *pass {
	return &pass{
		ctx: ctx, engine: e, req: req, out: outcome{result: &Result{}},
		view: &view{Recorder: git.NewRecorder(req.Tree), ctx: ctx, request: req, plugins: e.plugins, extra: newExtra(req), opened: known(req.Values)},
	}
}

// run returns the outcome by itself: it is kept for long, and the pass, which holds what
// was asked for, what was read and what was decrypted, is not.
func (p *pass) run() *outcome {
	err := p.render()
	p.out.result.Inputs, p.out.result.Mounts = p.view.Facts(), p.view.mounts.inputs()
	p.out.bases = append([]basis{basisOf(p.req.Tree)}, p.view.mounts.bases()...)
	p.out.usesKeys = p.view.asked
	p.out.result.Opened = p.view.opened
	p.out.result.Values, p.out.usesKeys = given(p.req.Values), p.view.asked
	if err != nil {
		p.out.err = p.explain(err)
		p.out.result.Set = nil
	}
	out := p.out
	return &out
}

func (p *pass) render() error {
	source := p.req.Source
	for _, v := range p.req.Values {
		if v.Secret {
			p.view.redactor.add(nil, v.bytes())
		}
	}
	if err := p.checkPath(source.Path); err != nil {
		return err
	}
	source, err := p.override(source)
	if err != nil {
		return err
	}
	request, err := p.prepare(&source)
	if err != nil {
		return err
	}
	if p.answered != nil {
		return p.read(p.answered)
	}
	p.engine.stats.renders.Add(1)
	response, err := p.engine.plugins.Render(p.ctx, p.out.result.Plugin, request)
	if err != nil {
		return err
	}
	return p.read(response)
}

// prepare chooses the plugin and says what it is to do.
func (p *pass) prepare(source *api.Source) (*sdk.RenderRequest, error) {
	kind, err := p.choose(source)
	if err != nil {
		return nil, err
	}
	p.out.result.SourceType, p.out.result.Plugin = kind, strings.ToLower(string(kind))
	if kind == api.SourceTypePlugin {
		p.out.result.Plugin = p.custom.ID
	}
	return p.request(kind, source)
}

// request says what a plugin is to do.
func (p *pass) request(kind api.SourceType, source *api.Source) (*sdk.RenderRequest, error) {
	valued, err := p.valued(kind, *source)
	if err != nil {
		return nil, err
	}
	options, err := optionsOf(kind, &valued)
	if err == nil && p.req.Chained && kind == api.SourceTypeHelm {
		p.out.result.Plugin, options, err = chain(source, options)
	}
	if err != nil {
		return nil, err
	}
	request := &sdk.RenderRequest{
		Application: p.req.Application, Path: source.Path, Tree: p.view, Host: beyond{p, source, 0},
		Options: options, Namespace: p.req.Namespace,
	}
	knowsVersions := usesVersions(kind)
	var names []string
	if c := p.custom; c != nil {
		knowsVersions = c.usesVersions()
		// What .argocd-source.yaml sets by other variables, the key does not know.
		if len(source.Plugin.Env) == 0 || source.Plugin == p.req.Source.Plugin {
			names = c.Env
		}
	}
	if usesEnv(kind, source) {
		p.out.useEnv(names)
		request.Env = buildEnv(p.req, source)
		if p.custom != nil {
			request.Env = pick(request.Env, p.custom.Env)
		}
	}
	if knowsVersions {
		p.out.usesVersions, request.KubeVersion, request.APIVersions = true, p.req.KubeVersion, p.req.APIVersions
	}
	return request, nil
}

// optionsOf returns the block of the source that is for its renderer, as JSON.
func optionsOf(kind api.SourceType, source *api.Source) (json.RawMessage, error) {
	switch {
	case kind == api.SourceTypeKustomize && source.Kustomize != nil:
		return json.Marshal(source.Kustomize)
	case kind == api.SourceTypeHelm && source.Helm != nil:
		return json.Marshal(source.Helm)
	case kind == api.SourceTypeDirectory && source.Directory != nil:
		return json.Marshal(source.Directory)
	case kind == api.SourceTypePlugin:
		return json.Marshal(source.Plugin)
	}
	return nil, nil
}

// read parses what the plugin returned.
func (p *pass) read(response *sdk.RenderResult) error {
	parse := manifest.Parse
	if p.out.result.SourceType == api.SourceTypeDirectory {
		parse = manifest.ParseStrict // the others have read what was written before
	}
	var set manifest.Set
	for _, d := range response.Documents {
		origin := manifest.Origin{Source: p.req.SourceIndex, File: p.label(d.File), Line: d.Line}
		if stillEncrypted(d.Data) {
			return &Error{
				Where: inSource(origin), Kind: ErrManifest,
				Err:  errors.New("an object is still encrypted with SOPS"),
				Hint: "render it from a file of its own, so that it is decrypted as it is read",
			}
		}
		objects, err := parse(d.Data, origin)
		if err != nil {
			return err
		}
		set = append(set, objects...)
	}
	result := p.out.result
	result.Set, result.Repeated = set.Unique()
	for _, w := range response.Warnings {
		result.Warnings = append(result.Warnings, p.clean(w))
	}
	return nil
}

// explain makes err an *Error: one of this package as it is, others with what is
// known of where they happened and without what was decrypted.
func (p *pass) explain(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return p.led(own, err)
	}
	var located *manifest.LocatedError
	if errors.As(err, &located) {
		return &Error{Where: inSource(located.Origin), Kind: ErrManifest, Err: located.Err}
	}
	var of *fs.PathError
	if errors.As(err, &of) {
		return &Error{Where: of.Path, Err: of.Err}
	}
	dir := p.req.Source.Path
	if errors.Is(err, sdk.ErrNotMine) {
		return &Error{
			Where: dir, Kind: ErrKind, Err: fmt.Errorf("the plugin %s renders no such directory", p.out.result.Plugin),
			Hint: fmt.Sprintf("correct the path, or remove the block %q of the source: what the directory holds then decides", strings.ToLower(string(p.out.result.SourceType))),
		}
	}
	e := &Error{Kind: kindOf(err), Err: errors.New(p.clean(p.told(err)))}
	if dir == "." || !strings.Contains(e.Err.Error(), dir) {
		e.Where = dir
	}
	return e
}

// told is what a plugin said, with its name if it is a custom one: the kind of the
// source does not tell that.
func (p *pass) told(err error) string {
	text := spoken(err).Error()
	var call *host.Error
	if p.custom != nil && errors.As(err, &call) && call.Kind == nil {
		text = "plugin " + p.custom.ID + ": " + text
	}
	return text
}

// led says where a plugin was when it asked for what is in error.
func (p *pass) led(own *Error, err error) *Error {
	var led *host.LedError
	if !errors.As(err, &led) {
		return own
	}
	e := *own
	e.Where = p.clean(led.By)
	if own.Where != "" {
		e.Where += ": " + own.Where
	}
	return &e
}

// kindOf is the kind of the call that failed: of one that a plugin made itself
// for another's, as the host tells what it says, the inner one.
func kindOf(err error) error {
	var call *host.Error
	for errors.As(err, &call) {
		if call.Kind != nil {
			return call.Kind
		}
		err = call.Err
	}
	return nil
}

// clean takes decrypted text out of a message, and names mounts by their source.
func (p *pass) clean(text string) string { return p.view.redactor.clean(p.label(text)) }

// label names mounts by their source, and values by what they are from.
func (p *pass) label(text string) string { return p.view.extra.label(p.view.mounts.label(text)) }

// inSource prints an origin for an Error, which names the source itself.
func inSource(origin manifest.Origin) string {
	origin.Source = 0
	return origin.String()
}

// spoken returns what a plugin itself said, without the frame that the host puts
// around it; other errors as they are.
func spoken(err error) error {
	var call *host.Error
	if errors.As(err, &call) && call.Kind == nil {
		return spoken(call.Err)
	}
	var led *host.LedError
	if errors.As(err, &led) {
		return &host.LedError{By: led.By, Err: spoken(led.Err)}
	}
	return err
}

// publicURL is a repository's address without a user's name and password.
func publicURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "the repository"
	}
	if u.Host != "" {
		u.User = nil
	}
	return u.String()
}
