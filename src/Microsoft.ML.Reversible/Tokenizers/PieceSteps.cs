using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A part of the pre-tokenizer of a tokenizer.json that is not byte-level: cuts a piece of text, and may change it.</summary>
/// <param name="Name">What it does, for hashes.</param>
internal abstract record PieceStep(string Name)
{
    /// <summary>Returns the pieces of a piece.</summary>
    /// <param name="piece">The piece, not empty.</param>
    /// <param name="beginsText">Whether the text begins with it.</param>
    /// <returns>The pieces, not empty, each with whether the text begins with it.</returns>
    public abstract IEnumerable<(string Piece, bool BeginsText)> Apply(string piece, bool beginsText);

    /// <summary>Reads the pre-tokenizer of a file.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or has a part that is not supported; the message names it.</exception>
    public static IReadOnlyList<PieceStep> Read(TokenizerJsonFile file) =>
    [
        .. file.Sequence("pre_tokenizer", "pretokenizers").Select(part => part.TextOf("type") == "Metaspace"
            ? MetaspaceStep.Read(part, file)
            : (PieceStep)new CutStep(TextCut.Read(part, file))),
    ];

    /// <summary>Applies steps, each to the pieces of the one before it.</summary>
    public static IEnumerable<string> ApplyAll(IReadOnlyList<PieceStep> steps, string text, bool beginsText)
    {
        IEnumerable<(string Piece, bool BeginsText)> pieces = text.Length == 0 ? [] : [(text, beginsText)];
        foreach (PieceStep step in steps) pieces = pieces.SelectMany(part => step.Apply(part.Piece, part.BeginsText));
        return pieces.Select(part => part.Piece);
    }
}

/// <summary>Cuts by an expression.</summary>
/// <param name="Cut">The cut.</param>
internal sealed record CutStep(TextCut Cut) : PieceStep(Cut.Name)
{
    /// <inheritdoc/>
    public override IEnumerable<(string Piece, bool BeginsText)> Apply(string piece, bool beginsText) => Cut.PreTokenize(piece)
        .Select(part => (piece.Substring(part.Offset, part.Length), beginsText && part.Offset == 0));
}

/// <summary>Writes spaces as U+2581, puts one before a piece that has none, and cuts before each.</summary>
/// <param name="Prefixes">Whether it puts a space before every piece (true), before the first of a text (null) or before none.</param>
/// <param name="Cuts">Whether it cuts.</param>
internal sealed record MetaspaceStep(bool? Prefixes, bool Cuts) : PieceStep($"Metaspace {Prefixes?.ToString() ?? "first"} {Cuts}")
{
    private const char Space = SentencePieceVocabulary.Space;

    /// <summary>Reads the step.</summary>
    /// <exception cref="InvalidDataException">It is malformed or not supported.</exception>
    public static MetaspaceStep Read(JsonElement part, TokenizerJsonFile file)
    {
        if (part.TextOf("replacement") != Space.ToString())
            throw file.Unsupported($"its Metaspace writes a space as '{part.TextOf("replacement")}'");
        bool cuts = !part.TryGet("split", out JsonElement split) || split.ValueKind == JsonValueKind.True;
        return new(ReadScheme(part, file), cuts);
    }

    /// <summary>Reads before which pieces Metaspace puts a space: every one (true), the first (null) or none.</summary>
    public static bool? ReadScheme(JsonElement part, TokenizerJsonFile file)
    {
        bool never = part.TryGet("add_prefix_space", out JsonElement adds) && adds.ValueKind == JsonValueKind.False;
        return part.TextOf("prepend_scheme") switch
        {
            null or "always" => !never,
            "first" when !never => null,
            "first" or "never" => false,
            var scheme => throw file.Malformed($"its Metaspace has the prepend_scheme '{scheme}'"),
        };
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Piece, bool BeginsText)> Apply(string piece, bool beginsText)
    {
        string text = piece.Replace(' ', Space);
        if ((Prefixes ?? beginsText) && text[0] != Space) text = Space + text;
        return Cuts ? Cut(text, beginsText) : [(text, beginsText)];
    }

    private static IEnumerable<(string Piece, bool BeginsText)> Cut(string text, bool beginsText)
    {
        int start = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] != Space) continue;
            yield return (text[start..i], beginsText && start == 0);
            start = i;
        }
        yield return (text[start..], beginsText && start == 0);
    }
}
