using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Reads a corpus of any size through an IDataView into a token cache, then reads shuffled windows from it and trains on it. The corpus
/// repeats the lines of several texts, each with a number in front, so that no two lines are the same.
/// </summary>
internal static class CorpusTokenization
{
    private const int SampleLines = 20_000;

    public static System.CommandLine.Command Command()
    {
        var size = new Argument<double>("GiB") { Description = "Size of the corpus." };
        var texts = new Argument<FileInfo[]>("texts") { Description = "The texts to repeat.", Arity = ArgumentArity.OneOrMore };
        var vocabulary = new Option<int>("--vocabulary-size") { DefaultValueFactory = _ => 4096 };
        var folder = new Option<DirectoryInfo?>("--folder") { Description = "Folder for the corpus and the cache." };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 200, Description = "Number of training steps; 0 for none." };
        var command = new System.CommandLine.Command(
            "corpus", "Measures time and memory of tokenizing a large corpus into a token cache and of training on it.")
        {
            size, texts, vocabulary, folder, steps
        };
        command.SetAction(p => Run(
            (long)(p.GetValue(size) * (1 << 30)), [.. p.GetValue(texts)!.Select(file => file.FullName)], p.GetValue(vocabulary),
            p.GetValue(folder)?.FullName ?? Path.GetTempPath(), p.GetValue(steps)));
        return command;
    }

    private static void Run(long bytes, string[] texts, int vocabularySize, string parent, int steps)
    {
        string folder = Path.Combine(parent, $"reversible-corpus-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            (string corpus, string cache) = (Path.Combine(folder, "corpus.txt"), Path.Combine(folder, "corpus.tokens"));
            WriteCorpus(corpus, bytes, texts);
            double megabytes = new FileInfo(corpus).Length / 1e6;
            LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Learn(
                File.ReadLines(corpus).Take(SampleLines), TextTokenization.Bpe, vocabularySize);
            Report($"{megabytes:F0} MB of text, {Environment.ProcessorCount} cores, vocabulary {tokenizer.VocabularySize}");

            var ml = new MLContext(seed: 1);
            IDataView data = ml.Data.LoadFromEnumerable(File.ReadLines(corpus).Select(line => new Row { Text = line }));
            foreach (string pass in (string[])["created", "reused"])
            {
                var watch = Stopwatch.StartNew();
                TimeSpan processorTime = Environment.CpuUsage.TotalTime;
                using TokenCache tokens = TokenCacheBuilder.Build(TextColumn.Read(data, "Text"), tokenizer, cache);
                double seconds = watch.Elapsed.TotalSeconds;
                processorTime = Environment.CpuUsage.TotalTime - processorTime;
                Report($"cache {pass} in {seconds:F1} s, {megabytes / seconds:F1} MB/s, {processorTime.TotalSeconds:F1} s of processor " +
                    $"time: {tokens.TokenCount:N0} tokens in {tokens.RowCount:N0} rows, {new FileInfo(cache).Length / 1e6:F0} MB");
                foreach (DocumentBoundaries boundaries in Enum.GetValues<DocumentBoundaries>()) ReadWindows(tokens, boundaries);
            }
            if (steps > 0) CorpusTraining.Run(File.ReadLines(corpus), cache, tokenizer, folder, steps, Report);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void ReadWindows(TokenCache tokens, DocumentBoundaries boundaries)
    {
        const int context = 1024, rows = 16, batches = 2000;
        var watch = Stopwatch.StartNew();
        var windows = new TokenWindows(tokens, context, heldOutFraction: 0.01, boundaries, seed: 1);
        TimeSpan divided = watch.Elapsed;
        watch.Restart();
        for (int i = 0; i < batches; i++) windows.Training((long)i * rows, rows);
        Report($"  {boundaries}: ready in {divided.TotalSeconds:F2} s, then " +
            $"{(long)context * rows * batches / watch.Elapsed.TotalSeconds / 1e6:F0} million tokens/s in shuffled windows of {context}");
    }

    private static void WriteCorpus(string path, long bytes, string[] texts)
    {
        string[] lines = [.. texts.SelectMany(File.ReadLines).Where(line => line.Length > 0)];
        using StreamWriter writer = File.CreateText(path);
        for (long number = 0, length = 0; length < bytes; number++)
        {
            string line = $"{number} {lines[number % lines.Length]}";
            writer.WriteLine(line);
            length += System.Text.Encoding.UTF8.GetByteCount(line) + 1;
        }
    }

    private static void Report(string line)
    {
        using var process = Process.GetCurrentProcess();
        Console.WriteLine($"{line}; peak memory {process.PeakWorkingSet64 / 1e6:F0} MB");
    }

    public sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
