using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Reads and writes models as folders in Hugging Face's layout.</summary>
internal static class PretrainedFolder
{
    /// <summary>The maximum bytes of weights in a file, as in Hugging Face's folders.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    /// <summary>
    /// The maximum size of the position tables, which are computed and not stored, unless the model itself is larger: 256 MiB.
    /// </summary>
    private const long MostPositionNumbers = 1 << 26;

    /// <summary>The files by which a folder is seen to have a tokenizer.</summary>
    private static readonly string[] _tokenizerFiles =
        ["tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "encoder.json", "vocab.bpe"];

    /// <summary>Writes the folder completely or not at all. A tokenizer that cannot be written is left out.</summary>
    public static void Save(
        LanguageModel model, string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = DefaultShardBytes) =>
        AtomicFolder.Write(
            folder, aside => WriteWithoutTokenizerInstance(model, aside, precision, maxShardBytes),
            ConfigurationFile.FileName, WeightFiles.SingleFile);

    /// <summary>Writes the files into an existing folder. A tokenizer that cannot be written is left out.</summary>
    public static void WriteWithoutTokenizerInstance(
        LanguageModel model, string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = DefaultShardBytes)
    {
        WriteConfiguration(model, folder, precision);
        WeightWriter.Write(folder, model.Network, precision, maxShardBytes);
        if (model is { HasTokenizer: true, Tokenizer.CanSave: true }) model.Tokenizer.Save(folder);
    }

    /// <summary>Writes the files into an existing folder.</summary>
    /// <exception cref="NotSupportedException">The tokenizer cannot be written.</exception>
    public static void Write(LanguageModel model, string folder)
    {
        WriteDescription(model, folder, WeightPrecision.Float32);
        WeightWriter.Write(folder, model.Network, WeightPrecision.Float32, DefaultShardBytes);
    }

    /// <summary>Writes all files except the weights into an existing folder.</summary>
    /// <exception cref="NotSupportedException">The tokenizer cannot be written.</exception>
    public static void WriteDescription(LanguageModel model, string folder, WeightPrecision precision)
    {
        WriteConfiguration(model, folder, precision);
        if (model.HasTokenizer) model.Tokenizer.Save(folder);
    }

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">The device of the parameters.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="tokenizerPath">The tokenizer's folder or file; null takes the folder's own, if it has one.</param>
    /// <param name="openWeights">Opens weights that are not in the folder; null takes the folder's own.</param>
    /// <param name="backwardMode">The backward mode; null takes the scheme's default.</param>
    /// <param name="arithmetic">The arithmetic of the hidden states; null takes the folder's.</param>
    /// <param name="frozen">
    /// The number type of parameters that are never trained, for a base of adapters; null makes trained ones, which are float32. The
    /// weights are read piece by piece into this type.
    /// </param>
    public static LanguageModel Load(
        string folder, Device device, Precision precision, string? tokenizerPath = null, Func<WeightFiles>? openWeights = null,
        BackwardMode? backwardMode = null, Arithmetic? arithmetic = null, Precision? frozen = null) =>
        Load(
            folder, openWeights,
            special => tokenizerPath is null && !HasTokenizer(folder)
                ? null
                : LanguageModelTokenizer.Load(tokenizerPath ?? folder, special.EndOfText),
            description => Build(description, device, precision, backwardMode, arithmetic, frozen));

    /// <summary>Reads a folder, with the given tokenizer instead of its own.</summary>
    /// <exception cref="ArgumentException">The tokenizer does not fit a language model; the message says why.</exception>
    public static LanguageModel Load(string folder, Device device, Precision precision, Tokenizer tokenizer) =>
        Load(
            folder, openWeights: null,
            special => LanguageModelTokenizer.Wrap(tokenizer, special.EndOfText, special.BeginOfText),
            description => Build(description, device, precision));

    /// <summary>Reads a folder's weights into a network of the same shape.</summary>
    public static void ReadWeights(string folder, LanguageNetwork network)
    {
        using PretrainedWeights weights = PretrainedWeights.Check(WeightFiles.Open(folder), network.Configuration);
        weights.ReadInto(network);
    }

    private static void WriteConfiguration(LanguageModel model, string folder, WeightPrecision precision)
    {
        LanguageNetwork network = model.Network;
        var description = new ModelDescription(
            network.Configuration, network.Stack.Scheme, network.Stack.Arithmetic, model.SpecialTokens);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), description, precision);
        GenerationConfigurationFile.Write(folder, model.SpecialTokens);
    }

    private static LanguageModel Load(
        string folder, Func<WeightFiles>? openWeights, Func<SpecialIds, LanguageModelTokenizer?> loadTokenizer,
        Func<ModelDescription, LanguageNetwork> build)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                File.Exists(folder) ? $"'{folder}' is a file. Give the folder that holds it." : $"The folder '{folder}' does not exist.");
        string config = Path.Combine(folder, ConfigurationFile.FileName);
        if (!File.Exists(config))
            throw new FileNotFoundException(
                $"The folder '{folder}' has no file '{ConfigurationFile.FileName}'.{OtherFormats.Describe(folder)}", config);
        ModelDescription description = ConfigurationFile.Read(config);
        SpecialTokens special = description.SpecialTokens with { EndOfGeneration = GenerationConfigurationFile.ReadEnds(folder) };
        int vocabulary = description.Configuration.VocabularySize;
        LanguageModelTokenizer? tokenizer = loadTokenizer(special.Within(vocabulary));
        if (tokenizer?.LeastModelSize > vocabulary)
            throw new InvalidDataException(
                $"The tokenizer for '{folder}' has {tokenizer.LeastModelSize} tokens, but the model has only {vocabulary}.");
        tokenizer = tokenizer?.Within(vocabulary);

        using PretrainedWeights weights = PretrainedWeights.Check(
            openWeights?.Invoke() ?? WeightFiles.Open(folder), description.Configuration);
        CheckPositions(config, description.Configuration);
        LanguageNetwork network = build(description);
        try
        {
            weights.ReadInto(network);
            return new LanguageModel(network, tokenizer, special);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static LanguageNetwork Build(
        ModelDescription description, Device device, Precision precision, BackwardMode? backwardMode = null,
        Arithmetic? arithmetic = null, Precision? frozen = null)
    {
        Arithmetic numbers = arithmetic ?? description.Arithmetic;
        return description.Configuration.Build(
            description.Scheme, backwardMode ?? description.Scheme.DefaultBackwardMode(numbers), numbers, precision, device, seed: null,
            frozen);
    }

    private static bool HasTokenizer(string folder) =>
        _tokenizerFiles.Any(file => File.Exists(Path.Combine(folder, file)))
        || Directory.EnumerateFiles(folder, "*" + TiktokenFile.Extension).Any();

    private static void CheckPositions(string config, LanguageModelConfiguration configuration)
    {
        long numbers = configuration.TableNumbers;
        if (numbers > MostPositionNumbers && numbers > configuration.ParameterCount)
            throw new InvalidDataException(
                $"'{config}' does not describe a model: its max_position_embeddings is {configuration.ContextLength}, and the tables of " +
                "that many positions would be larger than the model. Lower it to the context that is used.");
    }
}
