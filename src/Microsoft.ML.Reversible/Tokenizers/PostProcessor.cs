using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What the post-processor of tokenizer.json puts around a text.</summary>
/// <param name="Before">The token before it; null for none.</param>
/// <param name="After">The token after it; null for none.</param>
internal readonly record struct PostProcessor(string? Before, string? After)
{
    /// <summary>Reads the post-processor of a file.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or puts anything else around a text; the message names it.</exception>
    public static PostProcessor Read(TokenizerJsonFile file)
    {
        var read = new PostProcessor();
        foreach (JsonElement part in file.Sequence("post_processor", "processors"))
        {
            PostProcessor next = ReadPart(part, file);
            if ((next.Before is not null && read.Before is not null) || (next.After is not null && read.After is not null))
                throw file.Unsupported("its post_processor puts several tokens before or after a text");
            read = new(next.Before ?? read.Before, next.After ?? read.After);
        }
        return read;
    }

    private static PostProcessor ReadPart(JsonElement part, TokenizerJsonFile file)
    {
        switch (part.TextOf("type"))
        {
            // Changes the tokens' positions only.
            case "ByteLevel": return default;
            case "TemplateProcessing": return ReadTemplate(part, file);
            case "RobertaProcessing" or "BertProcessing": return new(Pair(part, "cls", file), Pair(part, "sep", file));
            case var type: throw file.Unsupported($"its post_processor is {type}");
        }
    }

    private static PostProcessor ReadTemplate(JsonElement part, TokenizerJsonFile file)
    {
        (List<string> before, List<string> after, bool hasText) = ([], [], false);
        part.TryGet("special_tokens", out JsonElement specials);
        foreach (JsonElement item in part.ItemsOf("single"))
        {
            if (item.TryGet("Sequence", out JsonElement sequence) && sequence.TextOf("id") == "A" && !hasText)
            {
                hasText = true;
                continue;
            }
            if (!item.TryGet("SpecialToken", out JsonElement special) || special.TextOf("id") is not { } name)
                throw file.Unsupported($"the template of its post_processor has {item.GetRawText()}");
            JsonElement[] ids = specials.TryGet(name, out JsonElement known) ? [.. known.ItemsOf("ids")] : [];
            if (ids.Length == 0) Add(name);
            foreach (JsonElement id in ids) Add(TokenOf(id, name, file));
        }
        if (!hasText) throw file.Unsupported("the template of its post_processor leaves the text out");
        if (before.Count > 1 || after.Count > 1)
            throw file.Unsupported($"its post_processor puts several tokens {(before.Count > 1 ? "before" : "after")} a text");
        return new(before.FirstOrDefault(), after.FirstOrDefault());

        void Add(string token) => (hasText ? after : before).Add(token);
    }

    private static string Pair(JsonElement part, string name, TokenizerJsonFile file)
    {
        JsonElement[] pair = [.. part.ItemsOf(name)];
        if (pair is not [{ ValueKind: JsonValueKind.String }, _])
            throw file.Malformed($"the {name} of its post_processor is not a token with its id");
        return TokenOf(pair[1], pair[0].GetString()!, file);
    }

    private static string TokenOf(JsonElement number, string name, TokenizerJsonFile file) =>
        number.TryGetWhole(out int id) && file.TokenOf(id) is { } token
            ? token
            : throw file.Malformed($"its post_processor gives '{name}' the id {number.GetRawText()}, which no token has");
}
