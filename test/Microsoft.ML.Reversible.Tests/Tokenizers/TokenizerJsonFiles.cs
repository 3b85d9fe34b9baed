using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Makes tokenizer.json from other forms of the same vocabulary, as Hugging Face's converters do.</summary>
internal static class TokenizerJsonFiles
{
    /// <summary>A small file with an expression, a normalizer and an added token.</summary>
    public const string SmallSplit =
        """
        {"added_tokens":[{"id":3,"content":"<|endoftext|>","special":true},{"id":4,"content":"<t>","special":false,"normalized":false}],
         "normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[
          {"type":"Split","pattern":{"Regex":"(?i:'s|'t)|[^\\r\\n\\p{L}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|(?>a*+)b"},"behavior":"Isolated"},
          {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},
         "model":{"type":"BPE","ignore_merges":true,"vocab":{"a":0,"b":1,"ab":2,"<|endoftext|>":3},"merges":["a b"]}}
        """;

    public static JsonObject Gpt2()
    {
        string vocabulary = File.ReadAllText(TestData.Require("gpt2-tokenizer/encoder.json"));
        var merges = File.ReadLines(TestData.Require("gpt2-tokenizer/vocab.bpe")).Skip(1).Where(line => line.Length > 0);
        return ByteLevel(JsonNode.Parse(vocabulary)!, [.. merges], 50256);
    }

    public static JsonObject ByteLevel(JsonNode vocabulary, string[] merges, int endOfTextId) => new()
    {
        ["version"] = "1.0",
        ["added_tokens"] = new JsonArray(
            JsonNode.Parse($$"""{"id":{{endOfTextId}},"content":"<|endoftext|>","normalized":true,"special":true}""")),
        ["normalizer"] = null,
        ["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}"""),
        ["post_processor"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false}"""),
        ["decoder"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true}"""),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = "", ["end_of_word_suffix"] = "",
            ["fuse_unk"] = false, ["vocab"] = vocabulary, ["merges"] = JsonSerializer.SerializeToNode(merges),
        },
    };

    public static JsonObject Split(string expression) => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject
            {
                ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = expression }, ["behavior"] = "Isolated", ["invert"] = false,
            },
            JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""")),
    };

    public static JsonObject Llama(string model, bool pairs)
    {
        SentencePieceVocabulary vocabulary = SentencePieceFile.Read(File.ReadAllBytes(model), model);
        var ids = vocabulary.Pieces.Select((piece, id) => (piece.Text, id)).ToDictionary(piece => piece.Text, piece => piece.id);
        var merges = vocabulary.Pieces
            .Where(piece => piece.Kind == PieceKind.Normal)
            .OrderByDescending(piece => piece.Score)
            .SelectMany(piece => Enumerable.Range(1, piece.Text.Length - 1)
                .Select(at => new[] { piece.Text[..at], piece.Text[at..] })
                .Where(sides => sides.All(ids.ContainsKey))
                .OrderBy(sides => ids[sides[0]]).ThenBy(sides => ids[sides[1]]));
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. vocabulary.Pieces.Take(3).Select((piece, id) => new JsonObject
            {
                ["id"] = id, ["content"] = piece.Text, ["normalized"] = false, ["special"] = true,
            })]),
            ["normalizer"] = JsonNode.Parse(
                """
                {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
                 {"type":"Replace","pattern":{"String":" "},"content":"▁"}]}
                """),
            ["decoder"] = JsonNode.Parse(
                """
                {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
                 {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
                """),
            ["pre_tokenizer"] = null,
            ["post_processor"] = JsonNode.Parse(
                """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A"}}]}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = "<unk>", ["fuse_unk"] = true, ["byte_fallback"] = true,
                ["vocab"] = JsonSerializer.SerializeToNode(ids),
                ["merges"] = pairs
                    ? JsonSerializer.SerializeToNode(merges)
                    : JsonSerializer.SerializeToNode(merges.Select(sides => $"{sides[0]} {sides[1]}")),
            },
        };
    }
}
