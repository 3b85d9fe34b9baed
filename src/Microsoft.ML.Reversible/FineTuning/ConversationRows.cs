using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads conversations as rows of tokens of which the assistant's are scored.</summary>
/// <param name="columns">The columns of the conversation.</param>
/// <param name="format">The format.</param>
internal sealed class ConversationRows(ConversationColumns columns, ChatFormat format) : ITokenRows
{
    /// <inheritdoc/>
    public IReadOnlyList<string> ColumnNames => columns.Names;

    /// <inheritdoc/>
    public void Require(DataViewSchema schema) => columns.Require(schema);

    /// <inheritdoc/>
    public void Require(SchemaShape schema) => columns.Require(schema);

    /// <inheritdoc/>
    public Func<ScoredRow> Start(DataViewRow row, LanguageModel model)
    {
        Func<IReadOnlyList<ChatTurn>> read = columns.Start(row);
        var encoder = new ChatEncoder(model.Tokenizer, format);
        return () =>
        {
            model.ThrowIfDisposed();
            try
            {
                ChatTokens tokens = encoder.Encode(read());
                return new(tokens.Ids, tokens.IsLearned);
            }
            catch (ArgumentException e)
            {
                throw ConversationColumns.Broken(row.Position, WithoutParameter(e), cause: e);
            }
        };
    }

    /// <inheritdoc/>
    public string ToJson(ScoreColumns added) => ChatFormat.All.Any(known => known.Name == format.Name && known.Layout == format.Layout)
        ? JsonSerializer.Serialize(new Saved(columns, added, format.Name, format.DefaultSystem))
        : throw new NotSupportedException(
            $"The chat format '{format.Name}' is a custom one, whose delegate cannot be saved. Save the model alone with " +
            "SavePretrained(folder), or use one of the formats of ChatFormat.All.");

    /// <summary>Returns the columns that <see cref="ToJson"/> described.</summary>
    /// <exception cref="InvalidDataException">The text is damaged.</exception>
    public static ScoreColumns Parse(string json)
    {
        try
        {
            if (JsonSerializer.Deserialize<Saved>(json) is not { Read: not null, Added: not null, Format: not null } saved)
                throw new JsonException("A part is missing.");
            if (!saved.Read.AreWhole())
                throw new JsonException("The columns must be Roles and Texts, or Prompt and Response with or without System.");
            var format = ChatFormat.Parse(saved.Format);
            if (saved.DefaultSystem is { } system) format = format.WithDefaultSystem(system);
            return saved.Added with { Rows = new ConversationRows(saved.Read, format) };
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The saved columns of conversations are damaged. {e.Message}", e);
        }
    }

    /// <summary>Returns whether a text in a zip describes columns of conversations.</summary>
    public static bool IsSaved(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(nameof(Saved.Format), out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Returns an exception's message without the name of the parameter, which a row does not have.</summary>
    public static string WithoutParameter(ArgumentException e) =>
        e.ParamName is { } name ? e.Message.Replace($" (Parameter '{name}')", "") : e.Message;

    /// <summary>The form in a zip.</summary>
    private sealed record Saved(ConversationColumns Read, ScoreColumns Added, string Format, string? DefaultSystem);
}
