package policy

import (
	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"k8s.io/apiserver/pkg/cel/environment"
)

// asks says what an expression wants to know that is not known here.
type asks struct{ user, authorizer string }

// An inspector looks at what expressions ask for, variables that they use included.
type inspector struct {
	env       *celgo.Env
	variables map[string]asks
	// namespace says that one of them looks at namespaceObject.
	namespace bool
}

func newInspector(env *environment.EnvSet) *inspector {
	i := &inspector{variables: map[string]asks{}}
	i.env, _ = env.Env(environment.StoredExpressions) // nil: nothing can be parsed, which is told elsewhere
	return i
}

func (i *inspector) variable(e *expression) { i.variables[e.name] = i.of(e.text) }

// of looks at an expression. One that cannot be parsed asks for nothing.
func (i *inspector) of(text string) asks {
	var found asks
	if i.env == nil {
		return found
	}
	parsed, issues := i.env.Parse(text)
	if issues.Err() != nil {
		return found
	}
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.IdentKind && e.AsIdent() == "authorizer":
			found.authorizer = "authorizer"
		case e.Kind() == ast.IdentKind && e.AsIdent() == "namespaceObject":
			i.namespace = true
		case e.Kind() == ast.SelectKind && e.AsSelect().Operand().Kind() == ast.IdentKind:
			field, of := e.AsSelect().FieldName(), e.AsSelect().Operand().AsIdent()
			if of == "request" && field == "userInfo" {
				found.user = "request.userInfo"
			}
			if used := i.variables[field]; of == "variables" {
				found = asks{user: found.user + used.user, authorizer: found.authorizer + used.authorizer}
			}
		}
	}))
	return found
}

// fields are the paths below object that an expression looks at, the longest of
// each.
func (i *inspector) fields(text string) []string {
	if i.env == nil {
		return nil
	}
	parsed, issues := i.env.Parse(text)
	if issues.Err() != nil {
		return nil
	}
	inner := map[int64]bool{}
	var paths []string
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind || inner[e.ID()] {
			return
		}
		path, at := "", e
		for at.Kind() == ast.SelectKind {
			inner[at.ID()] = true
			path = "." + at.AsSelect().FieldName() + path
			at = at.AsSelect().Operand()
		}
		if at.Kind() == ast.IdentKind && at.AsIdent() == "object" {
			paths = append(paths, path[1:])
		}
	}))
	return paths
}
