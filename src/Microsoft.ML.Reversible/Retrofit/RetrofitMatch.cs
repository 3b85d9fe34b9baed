namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Whether a teacher can be converted, and whether it and a student from a folder go together.</summary>
internal static class RetrofitMatch
{
    /// <summary>Checks the models before data is read.</summary>
    /// <param name="options">The options, checked.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="student">The student from a folder; null where the teacher is converted.</param>
    /// <exception cref="InvalidOperationException">They do not go together; the message says why.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A layer of the map does not exist.</exception>
    public static void Check(RetrofitEstimator.Options options, LanguageNetwork teacher, LanguageNetwork? student)
    {
        if (student is null && teacher.Stack.Scheme is not Residual)
            throw new InvalidOperationException(
                $"The teacher's scheme is '{teacher.Stack.Scheme}', but only a residual model can be converted. " +
                "To distil a student that is there already, name it as StudentPath.");
        int context = Math.Min(teacher.Configuration.ContextLength, student?.Configuration.ContextLength ?? int.MaxValue);
        if (options.Training.ContextLength > context)
            throw new InvalidOperationException(
                $"Training.ContextLength is {options.Training.ContextLength}, but the models hold {context} tokens.");
        if (student is not null && student.Configuration.VocabularySize != teacher.Configuration.VocabularySize)
            throw new InvalidOperationException(
                $"The student has {student.Configuration.VocabularySize} tokens and the teacher {teacher.Configuration.VocabularySize}; " +
                "distillation needs one vocabulary.");
        if (options.HiddenStateWeight == 0) return;
        // The Hamiltonian scheme has two streams for each of the teacher's; candidates of ChooseScheme have one.
        int studentLayers = (student?.Stack.Blocks ?? options.Scheme.Functions([.. teacher.Blocks])).Count;
        CheckStreams(options.LayerMap, teacher, student ?? teacher, studentLayers);
    }

    private static void CheckStreams(
        IReadOnlyList<LayerPair>? map, LanguageNetwork teacher, LanguageNetwork student, int studentLayers)
    {
        if (student.Configuration.Width != teacher.Configuration.Width)
            throw new InvalidOperationException(
                $"The student's streams have width {student.Configuration.Width} and the teacher's {teacher.Configuration.Width}, " +
                "so they cannot be compared: HiddenStateWeight must be 0.");
        int teacherLayers = teacher.Stack.Blocks.Count;
        if (map is null && studentLayers != teacherLayers)
            throw new InvalidOperationException(
                $"The student has {studentLayers} layers and the teacher {teacherLayers}: LayerMap must say which streams to compare.");
        foreach (LayerPair pair in map ?? [])
        {
            CheckLayer(pair.Teacher, teacherLayers, "teacher");
            CheckLayer(pair.Student, studentLayers, "student");
        }
    }

    private static void CheckLayer(int layer, int layers, string model)
    {
        if (layer < 0 || layer > layers)
            throw new ArgumentOutOfRangeException(
                nameof(RetrofitEstimator.Options.LayerMap), layer, $"The streams of the {model} in LayerMap must be within [0, {layers}].");
    }
}
