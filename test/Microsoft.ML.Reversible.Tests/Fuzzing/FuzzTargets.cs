using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Data;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Tokenizers;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>All readers of files that others may have made. Add a line for each new one.</summary>
internal static class FuzzTargets
{
    private static readonly Type[] _invalidOrMissing = [typeof(InvalidDataException), typeof(FileNotFoundException)];

    private static readonly GptConfiguration _gpt =
        new() { VocabularySize = 12, ContextLength = 8, LayerCount = 2, HeadCount = 2, Width = 4, TiedHead = false };

    private static readonly LlamaConfiguration _llama =
        new() { VocabularySize = 12, ContextLength = 8, LayerCount = 2, HeadCount = 2, KeyValueHeadCount = 1, Width = 4, MlpWidth = 6 };

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("safetensors", MakeTensors, LoadTensors, typeof(InvalidDataException)),
        new("GPT-2 folder", folder => TestFolders.SaveRandom(folder, _gpt, Scheme.Midpoint), LoadModel, _invalidOrMissing),
        new("sharded Llama folder", folder => TestFolders.SaveRandom(folder, _llama, maxShardBytes: 600), LoadModel, _invalidOrMissing),
        new("adapter", MakeAdapter, LoadAdapter, _invalidOrMissing),
        new("byte tokenizer", folder => Save(TextTokenization.Byte, folder), LoadTokenizer, _invalidOrMissing),
        new("character tokenizer", folder => Save(TextTokenization.Character, folder), LoadTokenizer, _invalidOrMissing),
        new("BPE tokenizer", folder => Save(TextTokenization.Bpe, folder), LoadTokenizer, _invalidOrMissing),
        new("tokenizer.json", MakeTokenizerJson, LoadTokenizer, _invalidOrMissing),
        new("SentencePiece model", folder => Copy("stories260k/tok512.model", folder, "tokenizer.model"), LoadTokenizer, _invalidOrMissing),
        new("tiktoken file", MakeTiktoken, LoadTokenizer, _invalidOrMissing),
        CheckpointTarget.Of(recomputesChecksums: false),
        CheckpointTarget.Of(recomputesChecksums: true),
        new("token cache", MakeCache, LoadCache, typeof(InvalidDataException)),
        BenchmarkTarget.Target,
        ConversationTarget.Lines,
        ConversationTarget.Parquet,
    ];

    private static void MakeTensors(string folder) => SafeTensorsWriter.Write(
        Path.Combine(folder, "x.safetensors"),
        [
            new("a", "F32", [2, 2], new byte[16]),
            new("scalar", "BF16", [], new byte[2]),
            new("b", "I64", [0, 5], ReadOnlyMemory<byte>.Empty),
            new("c", "F16", [3], new byte[6]),
        ],
        new Dictionary<string, string> { ["format"] = "pt" });

    private static void LoadTensors(string folder)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(folder, "x.safetensors"));
        foreach (string name in file.Names)
        {
            using var scope = NewDisposeScope();
            TensorStorage.Read(file, name);
        }
    }

    private static void LoadModel(string folder)
    {
        using LanguageModel model = TestFolders.Load(folder);
        TestFolders.Logits(model.Network, 0);
    }

    private static void MakeAdapter(string folder)
    {
        using LanguageNetwork network = TestModels.Make(_llama, Scheme.Residual, BackwardMode.Stored);
        Adapters.Save(network, folder, settings: Adapters.Settings("q_proj,v_proj") with
        {
            RankPattern = [("v_proj", 2)], AlphaPattern = [(@".*\.1\..*q_proj", 3.5)], Excluded = "layers.0.self_attn.v_proj",
        });
    }

    private static void LoadAdapter(string folder)
    {
        using LanguageNetwork network = TestModels.Make(_llama, Scheme.Residual, BackwardMode.Stored);
        using LanguageNetwork adapted = AdapterFolder.Load(folder, network);
        TestFolders.Logits(adapted, 0);
    }

    private static void Save(TextTokenization tokenization, string folder)
    {
        Directory.CreateDirectory(folder);
        LanguageModelTokenizer.Learn(Corpus.Rows, tokenization, 270).Save(folder);
    }

    private static void MakeTokenizerJson(string folder)
    {
        Save(TextTokenization.Bpe, folder);
        JsonNode vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "vocab.json")))!;
        string[] merges = [.. File.ReadLines(Path.Combine(folder, "merges.txt")).Skip(1)];
        foreach (string file in Directory.GetFiles(folder)) File.Delete(file);
        int end = (int)vocabulary["<|endoftext|>"]!;
        File.WriteAllText(
            Path.Combine(folder, "tokenizer.json"), TokenizerJsonFiles.ByteLevel(vocabulary, merges, end).ToJsonString());
    }

    private static void MakeTiktoken(string folder)
    {
        Directory.CreateDirectory(folder);
        IEnumerable<byte[]> bytes = Enumerable.Range(0, 256).Select(value => new[] { (byte)value });
        IEnumerable<byte[]> tokens = [.. bytes, "th"u8.ToArray(), "the"u8.ToArray()];
        File.WriteAllLines(
            Path.Combine(folder, "x.tiktoken"), tokens.Select((token, rank) => $"{Convert.ToBase64String(token)} {rank}"));
    }

    private static void Copy(string data, string folder, string name)
    {
        string source = TestData.Require(data);
        Directory.CreateDirectory(folder);
        File.Copy(source, Path.Combine(folder, name));
    }

    private static void LoadTokenizer(string folder)
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(folder);
        try
        {
            tokenizer.Decode(tokenizer.Encode("the red fox"));
        }
        catch (ArgumentException e) when (e.Message.Contains("vocabulary"))
        {
            // A vocabulary without one of the text's characters is still valid.
        }
    }

    private static void MakeCache(string folder)
    {
        Directory.CreateDirectory(folder);
        TokenCaches.Text(Path.Combine(folder, "tokens"), "the red fox", "jumps", "over the dog").Dispose();
    }

    private static void LoadCache(string folder)
    {
        using TokenCache cache = TokenCache.Open(Path.Combine(folder, "tokens"));
        cache.Tokens();
        cache.RowStarts();
    }
}
