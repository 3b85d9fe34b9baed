using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads conversations from files of JSON lines, in the layouts of published data sets.</summary>
internal static class ConversationFile
{
    /// <summary>The maximum length of a line. A long conversation has a few hundred thousand bytes.</summary>
    private const int MostLineBytes = 64 << 20;

    private static readonly string[] _answers = ["response", "completion"];

    /// <summary>Reads all rows.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is empty, damaged, or holds something else; the message names the line.</exception>
    public static IReadOnlyList<ConversationRow> Read(string path)
    {
        ConversationRow[] rows = [.. Rows(path).Select(row => ToRow(row, Turns(row)))];
        return rows.Length > 0 ? rows : throw new InvalidDataException($"{path} has no conversation.");
    }

    /// <summary>Reads the objects of the lines, on demand.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is not a JSON object; the message names it.</exception>
    public static IEnumerable<JsonRow> Rows(string path) =>
        JsonRow.Read(SourceFile.Lines(path, mostBytes: long.MaxValue, MostLineBytes));

    /// <summary>Returns the system turn of a row; none if its field is missing or empty.</summary>
    public static IEnumerable<(string Role, string Text)> System(JsonRow row) =>
        row.Has("system") && row.Text("system") is { Length: > 0 } text ? [(ChatTurn.SystemRole, text)] : [];

    /// <summary>Returns the turns of a field that is a list of messages.</summary>
    /// <exception cref="InvalidDataException">A message has no role or no text; the message names it.</exception>
    public static IEnumerable<(string Role, string Text)> Messages(JsonRow row, string name)
    {
        JsonRow[] messages = row.Objects(name);
        for (int i = 0; i < messages.Length; i++)
        {
            JsonRow message = messages[i];
            if (!message.Has("role") && !message.Has("from"))
                throw row.Broken($"message {i + 1} of '{name}' has no role: it must have role and content, or from and value.");
            string role = message.Text(message.Has("role") ? "role" : "from"), field = message.Has("value") ? "value" : "content";
            if (!message.HasText(field))
                throw row.Broken($"message {i + 1} of '{name}' has no {field} that is text. Leave such conversations out.");
            yield return (Conversation.RoleOf(role), message.Text(field));
        }
    }

    private static ConversationRow ToRow(JsonRow row, IReadOnlyList<(string Role, string Text)> turns)
    {
        if (Conversation.Fault(turns) is { } fault) throw row.Broken($"{fault}.");
        return new() { Roles = [.. turns.Select(turn => turn.Role)], Texts = [.. turns.Select(turn => turn.Text)] };
    }

    private static IReadOnlyList<(string Role, string Text)> Turns(JsonRow row)
    {
        if (row.Has("messages")) return [.. System(row), .. Messages(row, "messages")];
        if (row.Has("conversations")) return [.. System(row), .. Messages(row, "conversations")];
        if (row.Has("prompt") && _answers.FirstOrDefault(row.Has) is { } answer)
        {
            return row.HasArray("prompt")
                ? [.. System(row), .. Messages(row, "prompt"), .. Messages(row, answer)]
                : [.. System(row), (ChatTurn.UserRole, row.Text("prompt")), (ChatTurn.AssistantRole, row.Text(answer))];
        }
        if (row.Has("instruction") && row.Has("output"))
        {
            string instruction = row.Text("instruction"), input = row.Has("input") ? row.Text("input") : "";
            string prompt = input.Length > 0 ? $"{instruction}\n\n{input}" : instruction;
            return [.. System(row), (ChatTurn.UserRole, prompt), (ChatTurn.AssistantRole, row.Text("output"))];
        }
        throw row.Broken(
            "is not a conversation. It must have messages or conversations, or prompt and completion, prompt and response, or " +
            "instruction and output.");
    }
}
