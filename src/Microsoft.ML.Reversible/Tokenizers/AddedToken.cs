using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A token that Hugging Face's files add to those of the vocabulary.</summary>
/// <param name="Id">The id.</param>
/// <param name="Content">How it is written in text.</param>
/// <param name="IsSpecial">Whether it is a special token, which stands for no text.</param>
/// <param name="Path">The file that adds it, for messages.</param>
internal sealed record AddedToken(int Id, string Content, bool IsSpecial, string Path)
{
    /// <summary>Whether it is found only as a whole word.</summary>
    public bool IsSingleWord { get; private init; }

    /// <summary>Whether it includes the white space before it.</summary>
    public bool TakesSpaceBefore { get; private init; }

    /// <summary>Whether it includes the white space after it.</summary>
    public bool TakesSpaceAfter { get; private init; }

    /// <summary>Whether it is searched in text that has been normalized.</summary>
    public bool IsNormalized { get; private init; }

    /// <summary>Reads a token's object.</summary>
    /// <exception cref="InvalidDataException">It has no content.</exception>
    public static AddedToken Read(JsonElement token, int id, string path)
    {
        if (token.TextOf("content") is not { Length: > 0 } content)
            throw TokenizerJson.Malformed(path, $"an added token is {token.GetRawText()} and must have an id and content");
        bool special = token.IsTrue("special");
        return new(id, content, special, path)
        {
            IsSingleWord = token.IsTrue("single_word"),
            TakesSpaceBefore = token.IsTrue("lstrip"),
            TakesSpaceAfter = token.IsTrue("rstrip"),
            IsNormalized = token.TryGet("normalized", out JsonElement given) ? given.ValueKind == JsonValueKind.True : !special,
        };
    }
}
