using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A model as a folder in Hugging Face's layout for GPT-2.</summary>
internal static class PretrainedFolder
{
    private const string WeightsFile = "model.safetensors";

    /// <summary>Writes the folder aside and puts it in place.</summary>
    public static void Save(LanguageModel model, string folder) =>
        AtomicFolder.Write(folder, aside => Write(model, aside), GptConfigurationFile.FileName, WeightsFile);

    /// <summary>Writes the files into an existing folder.</summary>
    public static void Write(LanguageModel model, string folder)
    {
        LanguageNetwork network = model.Network;
        GptConfigurationFile.Write(
            Path.Combine(folder, GptConfigurationFile.FileName), (GptConfiguration)network.Configuration, network.Stack.Scheme, network.Stack.Arithmetic,
            model.Tokenizer.EndOfTextId);
        GptWeights.Write(Path.Combine(folder, WeightsFile), network);
        model.Tokenizer.Save(folder);
    }

    /// <summary>Reads a folder.</summary>
    public static LanguageModel Load(string folder, Device device, Precision precision)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        (GptConfiguration configuration, Scheme scheme, Arithmetic arithmetic) =
            GptConfigurationFile.Read(Existing(folder, GptConfigurationFile.FileName));
        string weights = Existing(folder, WeightsFile);
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(folder);
        if (tokenizer.VocabularySize > configuration.VocabularySize)
            throw new InvalidDataException(
                $"The tokenizer in '{folder}' has {tokenizer.VocabularySize} tokens, " +
                $"but the model has only {configuration.VocabularySize}.");

        GptWeights.CheckSize(weights, configuration);
        var network = new GptModel(configuration, scheme, scheme.DefaultWayBack(arithmetic), arithmetic, precision, device, seed: null);
        try
        {
            GptWeights.Read(weights, network);
            return new LanguageModel(network, tokenizer);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static string Existing(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        return File.Exists(path) ? path : throw new FileNotFoundException($"The folder '{folder}' lacks the file '{file}'.", path);
    }
}
