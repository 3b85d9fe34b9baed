using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Adds special tokens to a tokenizer by adding them to its files, as transformers does.</summary>
internal static class TokenAddition
{
    private const string Decoder = "added_tokens_decoder";
    private const string OldFile = "added_tokens.json";
    private const string SpecialNames = "additional_special_tokens";

    /// <summary>Returns a tokenizer with more tokens, whose ids follow those of the tokenizer's files.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="tokens">The tokens, none of which it has.</param>
    /// <exception cref="NotSupportedException">The tokenizer is an instance, which has no files, or one of characters.</exception>
    /// <exception cref="ArgumentException">A token is one of the vocabulary that is not special.</exception>
    public static LanguageModelTokenizer Add(LanguageModelTokenizer tokenizer, IReadOnlyList<string> tokens)
    {
        if (tokenizer.Kind == TextTokenization.Character)
            throw new NotSupportedException(
                $"The tokenizer lacks the tokens {string.Join(", ", tokens)}, which cannot be added to one of characters. " +
                "Use a model with another tokenizer, or a chat format without tokens of its own, such as llama2.");
        if (!tokenizer.CanSave)
            throw new NotSupportedException(
                $"The tokenizer lacks the tokens {string.Join(", ", tokens)}, which cannot be added to one that is given as an instance. " +
                "Give the path of its files instead.");
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("reversible-");
        try
        {
            tokenizer.Save(scratch.FullName);
            int size = Load(tokenizer, scratch.FullName).VocabularySize;
            Write(scratch.FullName, [.. tokens.Select((token, i) => (size + i, token))]);
            return Load(tokenizer, scratch.FullName);
        }
        catch (InvalidDataException e)
        {
            throw new ArgumentException(
                $"The tokens {string.Join(", ", tokens)} cannot be added to the tokenizer: " +
                $"{e.Message.Replace(scratch.FullName + Path.DirectorySeparatorChar, "")}", e);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static LanguageModelTokenizer Load(LanguageModelTokenizer tokenizer, string folder) => LanguageModelTokenizer.Load(
        folder, tokenizer.EndOfTextId, tokenizer.BeginOfTextId == tokenizer.EndOfTextId ? null : tokenizer.BeginOfTextId);

    private static void Write(string folder, (int Id, string Token)[] added)
    {
        string json = Path.Combine(folder, TokenizerJsonFile.FileName), old = Path.Combine(folder, OldFile);
        string configuration = Path.Combine(folder, TokenizerConfiguration.FileName);
        bool hasJson = File.Exists(json);
        if (hasJson)
            Edit(json, root =>
            {
                if (root["added_tokens"] is not JsonArray list) root["added_tokens"] = list = [];
                foreach ((int id, string token) in added) list.Add(Entry(token, id));
            });
        Edit(configuration, root =>
        {
            if (root[Decoder] is null && (hasJson || File.Exists(old)))
            {
                if (hasJson) return;
                // With a decoder, the tokens of the old file would not be read.
                if (root[SpecialNames] is not JsonArray names) root[SpecialNames] = names = [];
                foreach ((_, string token) in added) names.Add(token);
                return;
            }
            if (root[Decoder] is not JsonObject decoder) root[Decoder] = decoder = [];
            foreach ((int id, string token) in added) decoder[id.ToString(CultureInfo.InvariantCulture)] = Entry(token);
        });
        if (!hasJson && File.Exists(old))
            Edit(old, root =>
            {
                foreach ((int id, string token) in added) root[token] = id;
            });
    }

    private static JsonObject Entry(string token, int? id = null)
    {
        JsonObject entry = [];
        if (id is { } number) entry["id"] = number;
        entry["content"] = token;
        foreach (string flag in (string[])["single_word", "lstrip", "rstrip", "normalized"]) entry[flag] = false;
        entry["special"] = true;
        return entry;
    }

    private static void Edit(string path, Action<JsonObject> change)
    {
        // As text, since a file may begin with a byte order mark.
        JsonObject root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(root);
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream);
            root.WriteTo(writer);
        });
    }
}
