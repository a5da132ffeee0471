package leak

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
)

// identities are the fields of a log line that say whose it is. They are not
// redacted: or else whoever may encrypt a file could take the names of others out
// of the log.
var identities = []string{slog.TimeKey, slog.LevelKey, slog.SourceKey, slog.MessageKey, "application", "project", "namespace", "plugin"}

// Attr takes known values out of the fields of log lines, as a ReplaceAttr of
// slog.HandlerOptions. The messages are the program's own, and stay.
func (k *Known) Attr(_ []string, attr slog.Attr) slog.Attr {
	if slices.Contains(identities, attr.Key) {
		return attr
	}
	return k.redactAttr(attr)
}

// ForeignAttr is Attr for lines that other programs' code words: their messages
// are redacted, too.
func (k *Known) ForeignAttr(_ []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey || attr.Key == slog.LevelKey {
		return attr
	}
	return k.redactAttr(attr)
}

func (k *Known) redactAttr(attr slog.Attr) slog.Attr {
	if k == nil {
		return attr
	}
	var text string
	switch attr.Value.Kind() {
	case slog.KindString:
		text = attr.Value.String()
	case slog.KindAny:
		text = printed(attr.Value.Any())
	default:
		return attr
	}
	if clean := k.Redact(text); clean != text {
		attr.Value = slog.StringValue(clean)
	}
	return attr
}

// printed is what a handler makes of a value. One that cannot be printed, such as
// a nil pointer that is an error, is left to the handler: it knows what to do.
func printed(value any) (text string) {
	defer func() { _ = recover() }()
	if err, ok := value.(error); ok {
		return err.Error()
	}
	if raw, err := json.Marshal(value); err == nil {
		return string(raw)
	}
	return fmt.Sprintf("%+v", value)
}
