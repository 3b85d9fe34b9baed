using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>The 57 subjects of MMLU, such as <c>abstract_algebra</c>, in alphabetical order.</summary>
    public static IReadOnlyList<string> MmluSubjects { get; } = [.. MmluBenchmark.Subjects.Select(one => one.Subject)];

    /// <summary>
    /// <c>mmlu_</c> and the subject: exam questions with four choices, which the context lists; the answers are the letters A to D. A
    /// column of text <c>question</c>, a vector of text <c>choices</c>, and the integer <c>answer</c>, 0 to 3. Most published numbers use
    /// five examples.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask Mmlu(string subject) => MmluBenchmark.Find(subject, "");

    /// <summary>
    /// <c>mmlu_</c>, the subject and <c>_continuation</c>: the same questions and columns, but the context does not list the choices, and
    /// their texts are scored.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask MmluContinuation(string subject) => MmluBenchmark.Find(subject, MmluBenchmark.Continuation);

    /// <summary>MMLU, whose subjects are grouped into four fields.</summary>
    private sealed class MmluBenchmark : Benchmark<MmluBenchmark.Row>
    {
        public const string Continuation = "_continuation";

        private const string Group = "mmlu";

        private static readonly string[] _letters = ["A", "B", "C", "D"];
        private static readonly string[] _splits = ["test", "val", "dev"];

        /// <summary>The names in a header of the question, the four choices and the answer.</summary>
        private static readonly string[][] _header =
            [["question", "input", "prompt"], ["A"], ["B"], ["C"], ["D"], ["answer", "target"]];

        private static readonly (string Field, string Subjects)[] _fields =
        [
            ("stem",
                "abstract_algebra anatomy astronomy college_biology college_chemistry college_computer_science " +
                "college_mathematics college_physics computer_security conceptual_physics electrical_engineering " +
                "elementary_mathematics high_school_biology high_school_chemistry high_school_computer_science " +
                "high_school_mathematics high_school_physics high_school_statistics machine_learning"),
            ("humanities",
                "formal_logic high_school_european_history high_school_us_history high_school_world_history international_law " +
                "jurisprudence logical_fallacies moral_disputes moral_scenarios philosophy prehistory professional_law " +
                "world_religions"),
            ("social_sciences",
                "econometrics high_school_geography high_school_government_and_politics high_school_macroeconomics " +
                "high_school_microeconomics high_school_psychology human_sexuality professional_psychology public_relations " +
                "security_studies sociology us_foreign_policy"),
            ("other",
                "business_ethics clinical_knowledge college_medicine global_facts human_aging management marketing " +
                "medical_genetics miscellaneous nutrition professional_accounting professional_medicine virology"),
        ];

        /// <summary>The subjects and their fields, in alphabetical order.</summary>
        public static IReadOnlyList<(string Subject, string Field)> Subjects { get; } =
        [
            .. _fields.SelectMany(field => field.Subjects.Split(' '), (field, subject) => (subject, field.Field))
                .OrderBy(pair => pair.subject, StringComparer.Ordinal),
        ];

        /// <summary>Returns the task of a subject.</summary>
        public static ZeroShotTask Find(string subject, string ending)
        {
            ArgumentNullException.ThrowIfNull(subject);
            return _byName.TryGetValue($"{Group}_{subject}{ending}", out ZeroShotTask? task)
                ? task
                : throw new ArgumentException(
                    $"MMLU has no subject '{subject}'. {nameof(ZeroShotTasks)}.{nameof(MmluSubjects)} lists them.", nameof(subject));
        }

        public override IEnumerable<ZeroShotTask> MakeTasks()
        {
            foreach ((string subject, string field) in Subjects)
            {
                yield return new($"{Group}_{subject}", ZeroShotKind.MultipleChoice, Columns, Items((row, n) => row.ToLetters(n)))
                {
                    Groups = [Group, $"{Group}_{field}"],
                    Description = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
                    Metrics = [ZeroShotMetricNames.Accuracy],
                    ChoiceNames = _letters,
                    Benchmark = this,
                };
            }
            foreach ((string subject, string field) in Subjects)
            {
                string name = $"{Group}_{subject}{Continuation}";
                yield return new(name, ZeroShotKind.MultipleChoice, Columns, Items((row, _) => row.ToContinuations()))
                {
                    Groups = [Group + Continuation, $"{Group}_{field}{Continuation}"],
                    Description = $"The following are questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
                    ChoiceNames = _letters,
                    Benchmark = this,
                };
            }
        }

        /// <summary>
        /// Reads JSON lines with the fields of Hugging Face's data set, of the task's subject where they name one; or comma-separated
        /// values: the question, four choices and a letter, or with a header.
        /// </summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels)
        {
            string subject = task.Name[(Group.Length + 1)..];
            if (subject.EndsWith(Continuation, StringComparison.Ordinal)) subject = subject[..^Continuation.Length];
            string file = SubjectFile(subject, path);
            return JsonRow.IsIn(file)
                ? JsonRow.Read(file).Where(row => !row.Has("subject") || row.Text("subject") is var own && (own == "" || own == subject))
                    .Select(Row.Of)
                : Rows(CsvRecord.Read(SourceFile.Lines(file)));
        }

        private static IEnumerable<Row> Rows(IEnumerable<CsvRecord> records)
        {
            int[]? header = null;
            bool isFirst = true;
            foreach (CsvRecord record in records)
            {
                if (isFirst) header = HeaderOf(record);
                if (!isFirst || header is null) yield return Row.Of(record, header);
                isFirst = false;
            }
        }

        /// <summary>Returns the columns that a header names; null if the record is not a header.</summary>
        private static int[]? HeaderOf(CsvRecord record)
        {
            int[] columns = [.. _header.Select(names => Array.FindIndex(
                record.Fields, field => names.Contains(field.Trim(), StringComparer.OrdinalIgnoreCase)))];
            return columns.Contains(-1) ? null : columns;
        }

        /// <summary>Finds the subject's file in a folder with one file per subject, or in a subfolder of a split.</summary>
        private static string SubjectFile(string subject, string path)
        {
            if (!Directory.Exists(path)) return path;
            IEnumerable<string> names = _splits.SelectMany(split => (string[])[$"{subject}_{split}.csv", $"{subject}_{split}.jsonl"]);
            IEnumerable<string> inner = _splits.SelectMany(split => (string[])
                [Path.Combine(split, $"{subject}_{split}.csv"), Path.Combine(split, $"{subject}_{split}.jsonl")]);
            return names.Concat(inner).Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
                ?? throw new FileNotFoundException(
                    $"The folder {path} has no file of subject '{subject}': {subject}_test, {subject}_val or {subject}_dev with the " +
                    "extension .csv or .jsonl.",
                    Path.Combine(path, $"{subject}_test.csv"));
        }

        public sealed class Row
        {
            [ColumnName("question")]
            public string Question { get; set; } = "";

            [ColumnName("choices")]
            public string[] Choices { get; set; } = [];

            [ColumnName("answer")]
            public int Answer { get; set; }

            /// <summary>Reads a record; the columns are those of the header, or else all six in order.</summary>
            public static Row Of(CsvRecord record, int[]? header)
            {
                if (header is null && record.Fields.Length != 6)
                    throw record.Line.Broken($"has {record.Fields.Length} fields, but must have a question, four choices and a letter.");
                if (record.Fields.Length <= header?.Max())
                    throw record.Line.Broken($"has {record.Fields.Length} fields, fewer than the header.");
                string[] fields = header is null ? record.Fields : [.. header.Select(column => record.Fields[column])];
                string answer = fields[5].Trim();
                return new Row
                {
                    Question = fields[0],
                    Choices = fields[1..5],
                    Answer = AnswerOf(answer, areNumbersKnown: header is not null)
                        ?? throw record.Line.Broken($"the answer is '{SourceLine.Shown(answer)}', but must be one of A, B, C, D."),
                };
            }

            public static Row Of(JsonRow json)
            {
                string[] choices = json.Texts("choices");
                if (choices.Length != _letters.Length) throw json.Broken($"there are {choices.Length} choices, but must be 4.");
                string answer = json.Label("answer");
                return new Row
                {
                    Question = json.Text("question"),
                    Choices = choices,
                    Answer = AnswerOf(answer, areNumbersKnown: true)
                        ?? throw json.Broken($"the answer is '{SourceLine.Shown(answer)}', but must be 0 to 3 or one of A, B, C, D."),
                };
            }

            // Files with named columns count the choices from 0, as Hugging Face does; others have letters alone.
            private static int? AnswerOf(string text, bool areNumbersKnown) =>
                Array.IndexOf(_letters, text) is var letter and >= 0 ? letter
                : areNumbersKnown ? JsonRow.IndexOf(text, _letters.Length) : null;

            public ZeroShotItem ToLetters(long number)
            {
                if (Choices.Length != _letters.Length)
                    throw new InvalidDataException($"Row {number} has {Choices.Length} choices, but must have {_letters.Length}.");
                string shown = string.Concat(_letters.Zip(Choices, (letter, choice) => $"\n{letter}. {choice}"));
                return ZeroShotItem.MultipleChoice($"{PythonText.Strip(Question)}{shown}\nAnswer:", _letters, Answer);
            }

            public ZeroShotItem ToContinuations() => ZeroShotItem.MultipleChoice(
                $"Question: {PythonText.Strip(Question)}\nAnswer:", Choices, Answer);
        }
    }
}
