package appset

import (
	"context"
	"reflect"
)

// Bounds of one template.
const (
	maxRounds = 100_000 // of all its loops
	maxCalls  = 1_000   // of templates that it defines
	maxItems  = 10_000  // of a list or map that a function returns, those below included
)

// A budget is what one run of a template may still spend. It is asked at each round of
// a loop and at each call of a function: nothing else ends a template.
type budget struct {
	ctx    context.Context // of one run, which ends before begin is called again
	rounds int
	calls  int
}

func (b *budget) begin(ctx context.Context) { *b = budget{ctx: ctx} }

func (b *budget) late() error {
	if b.ctx == nil || b.ctx.Err() == nil {
		return nil
	}
	return failf(ErrLimit, "it takes too long: %w", context.Cause(b.ctx))
}

// round is called by each round of a loop.
func (b *budget) round() (string, error) {
	if b.rounds++; b.rounds > maxRounds {
		return "", failf(ErrLimit, "%w: more than %d rounds", errTooManyRounds, maxRounds)
	}
	return "", b.late()
}

// enter is called by each template, which may call itself.
func (b *budget) enter() (string, error) {
	if b.calls++; b.calls > maxCalls {
		return "", failf(ErrLimit, "its templates call one another more than %d times", maxCalls)
	}
	return "", b.late()
}

// guard wraps a function: it is called only in time, with arguments from which no more
// can come of it than the limits, and what it returns is measured.
func (b *budget) guard(name string, function any) any {
	f := reflect.ValueOf(function)
	t := f.Type()
	results := []reflect.Type{t.Out(0), reflect.TypeFor[error]()}
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	size := growing[name]
	wrapped := reflect.FuncOf(in, results, t.IsVariadic())
	return reflect.MakeFunc(wrapped, func(args []reflect.Value) []reflect.Value {
		err := b.late()
		if err == nil && size != nil && size(flat(args, t.IsVariadic())) > maxText {
			err = failf(ErrLimit, "it would return more than %d bytes or %d items", maxText, maxItems)
		}
		if err != nil {
			return []reflect.Value{reflect.Zero(results[0]), reflect.ValueOf(&err).Elem()}
		}
		out := invoke(f, args, t.IsVariadic())
		if len(out) == 2 && !out[1].IsNil() {
			return out
		}
		err = measure(out[0])
		return []reflect.Value{out[0], reflect.ValueOf(&err).Elem()}
	}).Interface()
}

func invoke(f reflect.Value, args []reflect.Value, variadic bool) []reflect.Value {
	if variadic {
		return f.CallSlice(args)
	}
	return f.Call(args)
}

// flat lists arguments one by one, as they are.
func flat(args []reflect.Value, variadic bool) []any {
	var all []any
	for i, arg := range args {
		if !variadic || i < len(args)-1 {
			all = append(all, arg.Interface())
			continue
		}
		for j := range arg.Len() {
			all = append(all, arg.Index(j).Interface())
		}
	}
	return all
}

// measure is an error if a value is too large.
func measure(v reflect.Value) error {
	items, bytes := 0, 0
	var walk func(v reflect.Value, depth int) bool
	walk = func(v reflect.Value, depth int) bool {
		if items++; items > maxItems || bytes > maxText || depth > maxDepth {
			return false
		}
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			return v.IsNil() || walk(v.Elem(), depth)
		case reflect.String:
			bytes += v.Len()
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				bytes += v.Len()
				return bytes <= maxText
			}
			for i := range v.Len() {
				if !walk(v.Index(i), depth+1) {
					return false
				}
			}
		case reflect.Map:
			for each := v.MapRange(); each.Next(); {
				bytes += each.Key().Len()
				if !walk(each.Value(), depth+1) {
					return false
				}
			}
		}
		return bytes <= maxText
	}
	if !walk(v, 0) {
		return failf(ErrLimit, "what it returns is too large: more than %d bytes, or %d items, or %d levels", maxText, maxItems, maxDepth)
	}
	return nil
}
