using Microsoft.ML.Reversible.FineTuning;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>
/// Reads conversations from Parquet files, as Hugging Face's data sets have them: a column of lists of messages, or text columns with a
/// prompt and a response. The columns have the names of the fields in files of JSON lines.
/// </summary>
internal static class ParquetConversations
{
    /// <summary>The most values of a column in a row group. A damaged file may claim any number.</summary>
    private const long MostValues = 1 << 26;

    /// <summary>The first bytes of a file.</summary>
    private static ReadOnlySpan<byte> Mark => "PAR1"u8;

    /// <summary>Returns whether a file begins as a Parquet file does.</summary>
    public static bool IsParquet(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[4];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(Mark);
    }

    /// <summary>Reads all rows.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds something else; the message says what.</exception>
    public static IReadOnlyList<ConversationRow> Read(string path)
    {
        try
        {
            return Task.Run(() => ReadAsync(path)).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (InvalidDataException or UnauthorizedAccessException or FileNotFoundException))
        {
            // The reader's exceptions for damaged files are of many types.
            throw new InvalidDataException(
                $"{path} is damaged or of a form of Parquet that is not read: {e.Message.Split('\n')[0].Trim()}", e);
        }
    }

    private static async Task<IReadOnlyList<ConversationRow>> ReadAsync(string path)
    {
        var rows = new List<ConversationRow>();
        await using ParquetReader reader = await ParquetReader.CreateAsync(path);
        ConversationFields fields = ConversationFields.Of(path, reader.Schema);
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader part = reader.OpenRowGroupReader(group);
            foreach (DataField field in fields.All)
            {
                if (part.GetMetadata(field)?.MetaData?.NumValues is not (>= 0 and <= MostValues and var values))
                    throw new InvalidDataException($"{path} is damaged: it has no sensible number of values in '{field.Path}'.");
                // A row has at least one value in each column, which may be missing.
                if (part.RowCount < 0 || part.RowCount > values)
                    throw new InvalidDataException(
                        $"{path} is damaged: a row group claims {part.RowCount} rows, but has {values} values in '{field.Path}'.");
            }
            foreach (List<(string Role, string? Text)> turns in await fields.ReadAsync(part)) rows.Add(ToRow(path, rows.Count, turns));
        }
        return rows.Count > 0 ? rows : throw new InvalidDataException($"{path} has no conversation.");
    }

    private static ConversationRow ToRow(string path, int row, List<(string Role, string? Text)> turns)
    {
        if (turns.FindIndex(turn => turn.Text is null) is >= 0 and var missing)
            throw Broken($"turn {missing + 1} has no text. Leave such conversations out");
        (string, string)[] checkedTurns = [.. turns.Select(turn => (turn.Role, turn.Text!))];
        if (Conversation.Fault(checkedTurns) is { } fault) throw Broken(fault);
        return new() { Roles = [.. turns.Select(turn => turn.Role)], Texts = [.. turns.Select(turn => turn.Text!)] };

        InvalidDataException Broken(string fault) => new($"{path}, row {row}, counted from 0: {fault}.");
    }
}

/// <summary>The columns of a Parquet file that make a conversation.</summary>
/// <param name="Path">The file, for messages.</param>
/// <param name="System">The column of the system turn; null if there is none.</param>
/// <param name="Turns">The columns of roles and of texts in lists; null if there are none.</param>
/// <param name="ElementLevel">The definition level from which on a list has an element: below it, the list is empty or missing.</param>
/// <param name="Flat">The columns of the user's text, of what is added to it, and of the assistant's text; empty for lists.</param>
internal sealed record ConversationFields(
    string Path, DataField? System, (DataField Role, DataField Text)? Turns, int ElementLevel, IReadOnlyList<DataField> Flat)
{
    private static readonly string[][] _flat =
        [["prompt", "completion"], ["prompt", "response"], ["instruction", "input", "output"], ["instruction", "output"]];

    /// <summary>All columns that are read.</summary>
    public IEnumerable<DataField> All =>
        [.. System is null ? [] : new[] { System }, .. Turns is var (role, text) ? [role, text] : Flat];

    /// <summary>Finds the columns of a file.</summary>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public static ConversationFields Of(string path, ParquetSchema schema)
    {
        DataField[] fields = schema.DataFields;
        DataField? system = Text("system");
        foreach (string list in (string[])["messages", "conversations"])
        {
            if (schema.Fields.OfType<ListField>().FirstOrDefault(field => field.Path.FirstPart == list) is not { } found) continue;
            DataField? role = InList(list, "role", "from"), text = InList(list, "content", "value");
            if (role is not null && text is not null) return new(path, system, (role, text), found.MaxDefinitionLevel, []);
        }
        foreach (string[] names in _flat)
        {
            DataField?[] found = Array.ConvertAll(names, Text);
            if (!found.Contains(null)) return new(path, system, null, 0, found!);
        }
        throw new InvalidDataException(
            $"{path} has no columns of conversations. It must have messages or conversations (lists of role and content), or the text " +
            $"columns prompt and completion, prompt and response, or instruction and output. Its columns are " +
            $"{string.Join(", ", schema.Fields.Select(field => field.Name))}.");

        DataField? Text(string name) => Array.Find(fields, field => field.Path.Length == 1 && field.Name == name && IsText(field));

        DataField? InList(string list, params string[] names) => Array.Find(
            fields, field => field.Path.FirstPart == list && field.MaxRepetitionLevel == 1 && names.Contains(field.Name) && IsText(field));
    }

    /// <summary>Reads the turns of each row of a row group; a text is null where it is missing.</summary>
    public async Task<IReadOnlyList<List<(string Role, string? Text)>>> ReadAsync(ParquetRowGroupReader part)
    {
        int count = checked((int)part.RowCount);
        var rows = new List<(string Role, string? Text)>[count];
        string?[]? system = System is null ? null : await TextsAsync(part, System, count);
        for (int row = 0; row < count; row++)
            rows[row] = system?[row] is { Length: > 0 } text ? [(ChatTurn.SystemRole, text)] : [];
        if (Turns is var (role, content)) await AddTurnsAsync(part, role, content, rows);
        else await AddPromptsAsync(part, rows);
        return rows;
    }

    private async Task AddPromptsAsync(ParquetRowGroupReader part, List<(string Role, string? Text)>[] rows)
    {
        var columns = new List<string?[]>();
        foreach (DataField field in Flat) columns.Add(await TextsAsync(part, field, rows.Length));
        for (int row = 0; row < rows.Length; row++)
        {
            string? prompt = columns[0][row], input = columns.Count == 3 ? columns[1][row] : null;
            rows[row].Add((ChatTurn.UserRole, prompt is not null && input is { Length: > 0 } ? $"{prompt}\n\n{input}" : prompt));
            rows[row].Add((ChatTurn.AssistantRole, columns[^1][row]));
        }
    }

    private async Task AddTurnsAsync(
        ParquetRowGroupReader part, DataField role, DataField content, List<(string Role, string? Text)>[] rows)
    {
        List<string?>[] roles = await ListsAsync(part, role, rows.Length), texts = await ListsAsync(part, content, rows.Length);
        for (int row = 0; row < rows.Length; row++)
        {
            if (roles[row].Count != texts[row].Count) throw Damaged($"row {row} of a row group has more or fewer roles than texts");
            for (int i = 0; i < roles[row].Count; i++) rows[row].Add((Conversation.RoleOf(roles[row][i] ?? ""), texts[row][i]));
        }
    }

    /// <summary>Reads a text column.</summary>
    private async Task<string?[]> TextsAsync(ParquetRowGroupReader part, DataField field, int rows)
    {
        using RawColumnData<ReadOnlyMemory<char>> column = await ColumnAsync(part, field);
        string?[] texts = [.. Values(column, field)];
        return texts.Length == rows ? texts : throw Damaged($"the column '{field.Path}' has {texts.Length} values for {rows} rows");
    }

    /// <summary>Reads a column inside lists, as a list for each row.</summary>
    private async Task<List<string?>[]> ListsAsync(ParquetRowGroupReader part, DataField field, int rows)
    {
        using RawColumnData<ReadOnlyMemory<char>> column = await ColumnAsync(part, field);
        var lists = new List<List<string?>>();
        string?[] values = [.. Values(column, field)];
        for (int i = 0; i < values.Length; i++)
        {
            if (column.RepetitionLevels[i] == 0) lists.Add([]);
            if (lists.Count == 0) throw Damaged($"the column '{field.Path}' begins within a row");
            if (column.DefinitionLevels[i] >= ElementLevel) lists[^1].Add(values[i]);
        }
        return lists.Count == rows ? [.. lists] : throw Damaged($"the column '{field.Path}' has {lists.Count} lists for {rows} rows");
    }

    private static async Task<RawColumnData<ReadOnlyMemory<char>>> ColumnAsync(ParquetRowGroupReader part, DataField field) =>
        (RawColumnData<ReadOnlyMemory<char>>)await part.ReadRawColumnDataBaseAsync(field);

    /// <summary>Returns the values of a column; null where one is missing.</summary>
    private IEnumerable<string?> Values(RawColumnData<ReadOnlyMemory<char>> column, DataField field)
    {
        int[] levels = column.DefinitionLevels.ToArray();
        // The values that are present come first; what follows them in the buffer means nothing.
        int count = field.MaxDefinitionLevel == 0 ? column.Values.Length : levels.Count(level => level == field.MaxDefinitionLevel);
        if (count > column.Values.Length)
            throw Damaged($"the column '{field.Path}' has {column.Values.Length} values, but its levels are those of {count}");
        string[] present = [.. column.Values[..count].ToArray().Select(text => text.ToString())];
        if (field.MaxDefinitionLevel == 0) return present;
        int next = 0;
        return levels.Select(level => level == field.MaxDefinitionLevel ? present[next++] : null);
    }

    private static bool IsText(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>);

    private InvalidDataException Damaged(string fault) => new($"{Path} is damaged: {fault}.");
}
