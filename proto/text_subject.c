#include "name.h"
#include "text.h"

const struct kind_desc *
text_subject(struct slice body)
{
	struct slice line, key;
	struct name name;
	for (bool more = true; more;) {
		more = slice_cut(&body, '\n', &line);
		line = slice_trim(more ? line : body);
		if (line.n && line.p[0] == '[')
			break;
		if (slice_cut(&line, '=', &key) && slice_is(slice_trim(key), "name") &&
		    name_parse(&name, slice_trim(line), NULL) == 0)
			return name.kind;
	}
	return kind_by_collection(SLICE("applications"));
}
