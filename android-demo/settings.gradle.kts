// For people with Android's SDK; CI builds the same sources by Maven, as Google's repository is not everywhere.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
        flatDir { dirs("../target") }
    }
}
rootProject.name = "kitbag-demo"
