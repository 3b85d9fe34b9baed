using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible;

/// <summary>Writes the turns of a conversation as pieces of the text that a model reads.</summary>
/// <param name="turns">The turns, at least one.</param>
/// <param name="addGenerationPrompt">Whether the text ends with what asks the model for the assistant's turn.</param>
/// <returns>The pieces, in order. None is null.</returns>
public delegate IEnumerable<ChatPiece> ChatTemplate(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt);

/// <summary>How the turns of a conversation become the text that a model reads, as the chat template of its tokenizer does.</summary>
/// <remarks>
/// The texts of special tokens stand for these tokens only where the format writes them, not in the text of a turn: a user who types
/// <c>&lt;|im_end|&gt;</c> does not end the turn. Formats are immutable and safe to use from several threads.
/// </remarks>
public sealed partial class ChatFormat
{
    private readonly ChatTemplate _template;

    private ChatFormat(string name, ChatTemplate template, IReadOnlyList<string> endsOfTurn, IReadOnlyList<string> tokens) =>
        (Name, _template, EndsOfTurn, Tokens) = (name, template, endsOfTurn, tokens);

    private ChatFormat(string name, ChatLayout layout)
        : this(
            name, (turns, addGenerationPrompt) => layout.Write(name, turns, addGenerationPrompt),
            layout.EndsWithText ? [] : [layout.EndOfTurn], layout.Tokens) => Layout = layout;

    private ChatFormat(ChatFormat other, string defaultSystem)
        : this(other.Name, other._template, other.EndsOfTurn, other.Tokens) => (Layout, DefaultSystem) = (other.Layout, defaultSystem);

    /// <summary>The name, in lower case, such as chatml.</summary>
    public string Name { get; }

    /// <summary>The text of the system turn that is put before a conversation without one; null if none is.</summary>
    public string? DefaultSystem { get; }

    /// <summary>The tokens that end the assistant's turn besides the tokenizer's end-of-text token.</summary>
    internal IReadOnlyList<string> EndsOfTurn { get; }

    /// <summary>The tokens that a tokenizer must have.</summary>
    internal IReadOnlyList<string> Tokens { get; }

    /// <summary>What the format writes around turns; null for a format of one's own.</summary>
    internal ChatLayout? Layout { get; }

    /// <summary>Returns the format with a name.</summary>
    /// <param name="name">The name of one of <see cref="All"/>, in any case.</param>
    /// <exception cref="ArgumentException">No format has the name; the message lists the names.</exception>
    public static ChatFormat Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(format => string.Equals(format.Name, name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException(
                $"The chat format '{name}' is not known. It must be one of {string.Join(", ", All.Select(format => format.Name))}.",
                nameof(name));
    }

    /// <summary>Makes a format of one's own.</summary>
    /// <param name="name">A name for messages, not empty.</param>
    /// <param name="template">
    /// Writes the turns. It may throw <see cref="ArgumentException"/> for turns that the format does not have. It must be safe to call from
    /// several threads.
    /// </param>
    /// <param name="endsOfTurn">
    /// The tokens that end the assistant's turn besides the tokenizer's end-of-text token, which always does. Each must be a special or
    /// added token of the tokenizer. Null is none.
    /// </param>
    /// <exception cref="ArgumentException">The name or a token is empty or null.</exception>
    public static ChatFormat Custom(string name, ChatTemplate template, IReadOnlyList<string>? endsOfTurn = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(template);
        string[] ends = [.. endsOfTurn ?? []];
        if (ends.Any(string.IsNullOrEmpty))
            throw new ArgumentException("The tokens that end a turn must not be empty or null.", nameof(endsOfTurn));
        return new(name, template, ends, ends);
    }

    /// <summary>Returns this format with a system turn for conversations that begin with another turn.</summary>
    /// <param name="text">The text of the system turn.</param>
    /// <exception cref="ArgumentException">The format has no system turn.</exception>
    public ChatFormat WithDefaultSystem(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Layout is { SystemPlace: SystemPlace.Refused })
            throw new ArgumentException($"The format {Name} has no system turn, so it cannot have a default one.", nameof(text));
        return new(this, text);
    }

    /// <summary>Returns the name.</summary>
    public override string ToString() => Name;

    /// <summary>Writes a conversation.</summary>
    /// <param name="turns">The turns.</param>
    /// <param name="addGenerationPrompt">Whether the text ends with what asks the model for the assistant's turn.</param>
    /// <exception cref="ArgumentException">There is no turn, a turn is null, or the format does not have such a conversation.</exception>
    internal IReadOnlyList<ChatPiece> Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(turns);
        if (turns.Count == 0) throw new ArgumentException("A conversation must have at least one turn.", nameof(turns));
        foreach (ChatTurn turn in turns)
            if (turn is null) throw new ArgumentException("A turn of a conversation must not be null.", nameof(turns));
        if (DefaultSystem is not null && turns[0].Role != ChatTurn.SystemRole)
            turns = [new ChatTurn(ChatTurn.SystemRole, DefaultSystem), .. turns];
        IEnumerable<ChatPiece> pieces = _template(turns, addGenerationPrompt)
            ?? throw new InvalidOperationException($"The template of the chat format {Name} returned null. It must return pieces.");
        return [.. pieces];
    }
}
