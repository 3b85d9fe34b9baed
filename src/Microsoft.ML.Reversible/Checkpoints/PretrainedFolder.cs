using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A model as a folder in Hugging Face's layout.</summary>
internal static class PretrainedFolder
{
    /// <summary>Bytes of weights in a file, as in Hugging Face's own folders.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    /// <summary>Numbers in the tables of rotary positions, which no file backs up: some 256 MiB.</summary>
    private const long MostPositionNumbers = 1 << 26;

    /// <summary>Files by which a tokenizer is known.</summary>
    private static readonly string[] _tokenizerFiles =
        ["tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "encoder.json", "vocab.bpe"];

    /// <summary>Writes the folder aside and puts it in place.</summary>
    public static void Save(
        LanguageModel model, string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = DefaultShardBytes) =>
        AtomicFolder.Write(
            folder, aside => Write(model, aside, precision, maxShardBytes), ConfigurationFile.FileName, WeightFiles.SingleFile);

    /// <summary>Writes the files into an existing folder.</summary>
    public static void Write(
        LanguageModel model, string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = DefaultShardBytes)
    {
        LanguageNetwork network = model.Network;
        var description = new ModelDescription(
            network.Configuration, network.Stack.Scheme, network.Stack.Arithmetic, model.SpecialTokens);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), description, precision);
        WeightWriter.Write(folder, network, precision, maxShardBytes);
        if (model.HasTokenizer) model.Tokenizer.Save(folder);
    }

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the parameters are made.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="tokenizerPath">Where the tokenizer's files are; null takes the folder's own, if it has any.</param>
    public static LanguageModel Load(string folder, Device device, Precision precision, string? tokenizerPath = null)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        string config = Path.Combine(folder, ConfigurationFile.FileName);
        if (!File.Exists(config))
            throw new FileNotFoundException($"The folder '{folder}' lacks the file '{ConfigurationFile.FileName}'.", config);
        ModelDescription description = ConfigurationFile.Read(config);
        LanguageModelTokenizer? tokenizer = LoadTokenizer(folder, tokenizerPath, description);

        using PretrainedWeights weights = PretrainedWeights.Open(folder, description.Configuration);
        CheckPositions(config, description.Configuration);
        LanguageNetwork network = description.Configuration.Build(
            description.Scheme, description.Scheme.DefaultWayBack(description.Arithmetic), description.Arithmetic, precision, device,
            seed: null);
        try
        {
            weights.ReadInto(network);
            return new LanguageModel(network, tokenizer, description.SpecialTokens);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static LanguageModelTokenizer? LoadTokenizer(string folder, string? path, ModelDescription description)
    {
        if (path is null && !_tokenizerFiles.Any(file => File.Exists(Path.Combine(folder, file)))) return null;
        int[] ends = [.. description.SpecialTokens.EndOfText.Take(1)];
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(path ?? folder, ends.Length > 0 ? ends[0] : null);
        return tokenizer.VocabularySize <= description.Configuration.VocabularySize
            ? tokenizer
            : throw new InvalidDataException(
                $"The tokenizer in '{path ?? folder}' has {tokenizer.VocabularySize} tokens, " +
                $"but the model has only {description.Configuration.VocabularySize}.");
    }

    private static void CheckPositions(string config, LanguageModelConfiguration configuration)
    {
        if (configuration is not LlamaConfiguration llama) return;
        long numbers = (long)llama.ContextLength * llama.HeadSize;
        if (numbers > MostPositionNumbers && numbers > llama.ParameterCount)
            throw new InvalidDataException(
                $"'{config}' does not describe a model: its max_position_embeddings is {llama.ContextLength}, and the tables for that many " +
                "positions would be larger than the model. Write the context there that is to be used.");
    }
}
