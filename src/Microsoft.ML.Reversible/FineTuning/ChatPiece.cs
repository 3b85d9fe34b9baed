namespace Microsoft.ML.Reversible;

/// <summary>A part of a conversation that is written as the text of a model.</summary>
public readonly record struct ChatPiece
{
    private ChatPiece(ChatPieceKind kind, string text, bool isLearned) => (Kind, Text, IsLearned) = (kind, text, isLearned);

    /// <summary>What the piece is.</summary>
    public ChatPieceKind Kind { get; }

    /// <summary>The text; empty for the tokens that begin or end a text, which the tokenizer names.</summary>
    public string Text { get; }

    /// <summary>
    /// Whether fine-tuning learns to write the piece: the assistant's text and what ends its turn. A token is learned if all of its text
    /// is.
    /// </summary>
    public bool IsLearned { get; }

    /// <summary>Returns text of the format itself, in which the texts of special tokens stand for these tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isLearned">Whether fine-tuning learns to write it.</param>
    public static ChatPiece Template(string text, bool isLearned = false) =>
        new(ChatPieceKind.Template, text ?? throw new ArgumentNullException(nameof(text)), isLearned);

    /// <summary>Returns text of a turn, in which nothing stands for a special token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isLearned">Whether fine-tuning learns to write it.</param>
    public static ChatPiece Content(string text, bool isLearned = false) =>
        new(ChatPieceKind.Content, text ?? throw new ArgumentNullException(nameof(text)), isLearned);

    /// <summary>Returns the token that begins a text, the tokenizer's bos_token.</summary>
    public static ChatPiece BeginOfText() => new(ChatPieceKind.BeginOfText, "", isLearned: false);

    /// <summary>Returns the token that ends a text, the tokenizer's eos_token.</summary>
    /// <param name="isLearned">Whether fine-tuning learns to write it.</param>
    public static ChatPiece EndOfText(bool isLearned = false) => new(ChatPieceKind.EndOfText, "", isLearned);
}

/// <summary>What a part of a conversation is.</summary>
public enum ChatPieceKind
{
    /// <summary>Text of the format itself, in which the texts of special tokens stand for these tokens.</summary>
    Template,

    /// <summary>Text of a turn, in which nothing stands for a special token.</summary>
    Content,

    /// <summary>The token that begins a text.</summary>
    BeginOfText,

    /// <summary>The token that ends a text.</summary>
    EndOfText,
}
